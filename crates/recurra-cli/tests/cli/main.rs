//! The program, end to end. One binary: linking a dozen took longer than running them.

mod common;

mod adaptive;
mod arc;
mod bench;
mod cache;
mod calibrate;
mod cases;
mod constraints;
mod data;
mod documentation;
mod eval;
mod generate;
mod generate_grid;
mod generate_maze;
mod manners;
mod models;
mod quantize;
mod reference;
mod shipped;
mod solve;
mod solve_cache;
mod tasks;
mod trace;
mod train;
mod vectors;
mod your_own_task;
