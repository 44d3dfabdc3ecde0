//! LinkedIn names a person in two ways: by the id that it assigned (`ACoAA…`), and by the name in
//! the profile's URL. A lead's row may have one while the harvest was requested with the other.
//!
//! External rules: the items of harvestapi/linkedin-profile-posts. An author has both. The person
//! who reposted a post is the requested person.

use super::harvestapi;
use super::target::TargetKey;
use super::text::text;
use serde_json::Value;
use shared::core::linkedin::ProfileKey;
use std::collections::BTreeMap;
use url::{Url, form_urlencoded};

/// The identities in a harvest: names by ids.
#[derive(Default)]
pub(super) struct Names(BTreeMap<ProfileKey, ProfileKey>);

impl Names {
    pub(super) fn learn(&mut self, item: &Value) {
        let author = &item["author"];
        if let Some(name) = name_of(author) {
            for id in ids_of(author) {
                self.0.entry(id).or_insert_with(|| name.clone());
            }
        }
        let asked = harvestapi::target(item);
        let asked = asked.as_ref().and_then(TargetKey::profile).filter(|asked| asked.is_token());
        if let Some((asked, name)) = asked.zip(name_of(&item["repostedBy"])) {
            self.0.entry(asked.clone()).or_insert(name);
        }
    }

    /// The target under the name in its profile's URL, if that is known.
    pub(super) fn resolve(&self, target: TargetKey) -> TargetKey {
        let name = target.profile().and_then(|profile| self.0.get(profile));
        name.cloned().map_or(target, TargetKey::Profile)
    }

    /// The ids of a profile.
    pub(super) fn ids_of(&self, profile: &ProfileKey) -> Vec<ProfileKey> {
        let ids = self.0.iter().filter(|(_, name)| *name == profile);
        ids.map(|(id, _)| id.clone()).collect()
    }
}

/// The name in a person's URL; `None` for a company.
fn name_of(person: &Value) -> Option<ProfileKey> {
    let name = text(&person["publicIdentifier"]).or_else(|| text(&person["linkedinUrl"]))?;
    ProfileKey::of_identifier(name).filter(|key| !key.is_token() && person["type"] != "company")
}

fn ids_of(person: &Value) -> Vec<ProfileKey> {
    let url = text(&person["linkedinUrl"]).and_then(|url| Url::parse(url).ok());
    let query = url.as_ref().and_then(Url::query).unwrap_or_default();
    let mut parameters = form_urlencoded::parse(query.as_bytes());
    let urn = parameters.find(|(name, _)| name == "miniProfileUrn").map(|(_, urn)| urn);
    let told = [&person["id"], &person["profileId"]].into_iter().filter_map(text);
    let ids = told.chain(urn.as_deref()).filter_map(ProfileKey::of_identifier);
    ids.filter(ProfileKey::is_token).collect()
}
