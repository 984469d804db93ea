//! The proof: every migration goes up, down and up again on a throwaway server, and after each step the whole catalog
//! is compared with what it must be.

pub mod outcome;
