//! Where a simulator keeps what must survive a restart of its process.

/// A durable map from key to text. A simulator writes every change through and reads all of it
/// once, when it is made.
pub trait Store: Send + Sync + 'static {
    /// Puts `value` under `key`, in place of what was there.
    fn put(&self, key: &str, value: &str);
    /// Removes `key`; one that is not there is fine.
    fn remove(&self, key: &str);
    /// Everything stored, in no order.
    fn all(&self) -> Vec<(String, String)>;
    /// Removes everything.
    fn clear(&self);
    /// Whether anything is kept, so that it is worth writing out.
    fn keeps(&self) -> bool {
        true
    }
}

/// Keeps nothing: the state lives and dies with the process.
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
