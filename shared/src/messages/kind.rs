//! The two kinds of scoring.

use super::words::words;

words! {
    Kind {
        Post = "post",
        Profile = "profile",
    }
}
