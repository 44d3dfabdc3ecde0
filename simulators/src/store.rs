//! Where a simulator keeps data that must survive a restart of its process.

/// A durable map from key to string. A simulator writes every change to it, and reads all of it
/// once, when it is created.
pub trait Store: Send + Sync + 'static {
    /// Stores `value` under `key`, and replaces an earlier value.
    fn put(&self, key: &str, value: &str);
    /// Removes `key`, if it exists.
    fn remove(&self, key: &str);
    /// All entries, in any order.
    fn all(&self) -> Vec<(String, String)>;
    /// Removes everything.
    fn clear(&self);
    /// Whether entries are kept, so that writing them is useful.
    fn keeps(&self) -> bool {
        true
    }
}

/// Keeps nothing: the state ends with the process.
pub struct NoStore;

impl Store for NoStore {
    fn put(&self, _key: &str, _value: &str) {}
    fn remove(&self, _key: &str) {}
    fn all(&self) -> Vec<(String, String)> {
        Vec::new()
    }
    fn clear(&self) {}
    fn keeps(&self) -> bool {
        false
    }
}
