//! Which pairs of scripts are equal, and how the others differ.
