//! The whole state of a training in one file, so that it goes on exactly where it stopped.
