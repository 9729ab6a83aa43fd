//! Matrices and the arithmetic on them, one file per instruction set.
