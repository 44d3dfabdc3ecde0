//! LinkedIn URLs, which name the same person or post in many spellings.
//! What a spelling means is decided here and nowhere else. No I/O may enter.

mod pasted;
mod post;
mod profile;

pub use post::PostUrl;
pub use profile::ProfileKey;
