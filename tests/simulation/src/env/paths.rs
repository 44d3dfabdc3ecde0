//! Reads the parts of paths to Airtable.

pub(crate) fn table_of(path: &str) -> String {
    let segment = path.split('/').nth(3).unwrap_or_default();
    percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

pub(crate) fn base_of(path: &str) -> &str {
    let path = path.strip_prefix("/v0/meta/bases/").or_else(|| path.strip_prefix("/v0/"));
    path.and_then(|path| path.split('/').next()).unwrap_or_default()
}
