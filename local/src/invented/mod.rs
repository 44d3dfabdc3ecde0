//! stub
#![allow(
    missing_docs,
    clippy::all,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason
)]
use serde_json::Value;
use shared::ids::{BaseId, ClientId};
pub struct Size {
    pub leads: usize,
    pub clients: usize,
    pub seed: u64,
}
pub struct World {
    pub master_base: BaseId,
    pub clients: Vec<InventedClient>,
}
#[derive(Debug)]
pub struct InventedClient {
    pub id: ClientId,
    pub name: String,
    pub base: BaseId,
    pub harvest: Harvest,
    pub expected: Expected,
}
#[derive(Debug)]
pub struct Harvest {
    pub input: Value,
    pub items: Vec<Value>,
    pub cost_usd: f64,
}
#[derive(Debug, Default)]
pub struct Expected {
    pub targets: u64,
    pub posts_harvested: u64,
    pub posts_examined: u64,
    pub posts_scored: u64,
    pub leads_planned: u64,
    pub leads_scored: u64,
}
impl Expected {
    pub fn leads_asked(&self) -> u64 {
        0
    }
    pub fn leads_skipped(&self) -> u64 {
        0
    }
    pub fn leads_failed(&self) -> u64 {
        0
    }
}
impl World {
    pub fn invent(_s: Size) -> Self {
        Self { master_base: "appMaster00000001".parse().unwrap(), clients: vec![] }
    }
    pub fn furnish(
        &self,
        _a: &simulators::airtable::Airtable,
    ) -> Result<(), simulators::airtable::EditError> {
        Ok(())
    }
}
