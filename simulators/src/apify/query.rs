//! Query parameters, read strictly.

use super::error::ApiError;
use crate::Request;
use crate::reply::parameters;
use jiff::Timestamp;
use std::collections::HashMap;

/// The parameters of one request. If a name repeats, the last one applies.
#[derive(Debug, Default)]
pub(super) struct Query(HashMap<String, String>);

impl Query {
    pub(super) fn of(request: &Request) -> Self {
        Self(parameters(request).into_iter().collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A whole number from 0.
    pub(super) fn count(&self, name: &'static str) -> Result<Option<usize>, ApiError> {
        self.get(name)
            .map(|value| value.parse().map_err(|_| invalid(name, value, "must be a whole number")))
            .transpose()
    }

    /// The requested number of list entries. Zero, or no number, requests as many as possible.
    pub(super) fn limit(&self, most: usize) -> Result<usize, ApiError> {
        let asked = self.count("limit")?.filter(|&limit| limit > 0);
        Ok(asked.map_or(most, |limit| limit.min(most)))
    }

    /// A number from 0.
    pub(super) fn number(&self, name: &'static str) -> Result<Option<f64>, ApiError> {
        let number = |value: &str| value.parse().ok().filter(|&number: &f64| number >= 0.0);
        self.get(name)
            .map(|value| number(value).ok_or_else(|| invalid(name, value, "must be a number")))
            .transpose()
    }

    /// A moment in ISO 8601.
    pub(super) fn moment(&self, name: &'static str) -> Result<Option<Timestamp>, ApiError> {
        self.get(name)
            .map(|value| value.parse().map_err(|_| invalid(name, value, "must be a moment")))
            .transpose()
    }

    /// A switch: `1` or `true`, `0` or `false`. Off if absent.
    pub(super) fn switch(&self, name: &'static str) -> Result<bool, ApiError> {
        match self.get(name) {
            None | Some("0" | "false") => Ok(false),
            Some("1" | "true") => Ok(true),
            Some(value) => Err(invalid(name, value, "must be 1, true, 0 or false")),
        }
    }

    pub(super) fn list(&self, name: &str) -> Option<Vec<String>> {
        let text = self.get(name).filter(|text| !text.is_empty())?;
        Some(text.split(',').map(|part| part.trim().to_owned()).collect())
    }

    /// Refuses parameters that the real API has and the simulator lacks, instead of ignoring them.
    pub(super) fn refuse(&self, names: &[&'static str]) -> Result<(), ApiError> {
        let hit = names.iter().find_map(|&name| Some((name, self.get(name)?)));
        hit.map_or(Ok(()), |(name, value)| Err(invalid(name, value, "not simulated")))
    }
}

pub(super) fn invalid(name: &'static str, value: &str, rule: &'static str) -> ApiError {
    ApiError::InvalidValue { name, value: value.to_owned(), rule }
}
