//! Answers that were thought before.

pub mod similar;
