//! The only writer of run records: append, fold, project.
