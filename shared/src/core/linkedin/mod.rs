//! LinkedIn URLs, which name the same person or post in many spellings. Only this module decides
//! what a spelling means. It does no I/O.

mod pasted;
mod post;
mod profile;

pub use post::PostUrl;
pub use profile::ProfileKey;
