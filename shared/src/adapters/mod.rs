//! The seams' adapters to the real world. Only the functions' `main`s and the local system make
//! one; everything else sees the traits.
