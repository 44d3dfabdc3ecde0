//! Compares the documents with the repository: what they name must exist, and what exists must be
//! named.

use crate::document::{TEMPLATE, plain, sources};
use regex::Regex;
use shared::telemetry::metrics::Metric;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Most words of the README.
const README_WORDS: usize = 600;

/// The folders in which the documents name files.
const FOLDERS: &str =
    r"(?:functions|shared|simulators|runtally|tests|docs|deploy|events|\.ci|\.cargo|\.github)";

fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn read(path: &str) -> String {
    let read = std::fs::read_to_string(root().join(path));
    read.unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The documents that describe the current state, by path. The changelog describes the past.
fn documents() -> Vec<(String, String)> {
    let files = std::fs::read_dir(root().join("docs")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let names = names.filter(|name| name.ends_with(".md"));
    let mut paths: Vec<String> = names.map(|name| format!("docs/{name}")).collect();
    paths.extend(["README.md", "CONTRIBUTING.md"].map(ToOwned::to_owned));
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), read(&path))).collect()
}

/// All first groups of `pattern` in `text`.
fn found(pattern: &str, text: &str) -> BTreeSet<String> {
    let pattern = Regex::new(pattern).unwrap();
    pattern.captures_iter(text).map(|groups| groups[1].to_owned()).collect()
}

/// The anchors of a page's headings, as GitHub makes them.
fn anchors(page: &str) -> BTreeSet<String> {
    let headings = found(r"(?m)^#{1,6} (.+)$", page);
    let anchor = |heading: &String| {
        let kept = heading.to_lowercase();
        let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.collect::<String>().replace(' ', "-")
    };
    headings.iter().map(anchor).collect()
}

/// Fails with the names that `page` does not contain in backticks.
fn assert_named(page: &str, names: impl IntoIterator<Item = String>) {
    let text = read(page);
    let named = found(r"`([^`\n]+)`", &text);
    let missing: Vec<String> = names.into_iter().filter(|name| !named.contains(name)).collect();
    assert_eq!(missing, Vec::<String>::new(), "{page} does not name these");
}

#[test]
fn the_readme_has_at_most_600_words() {
    let words = read("README.md").split_whitespace().count();
    assert!(words <= README_WORDS, "{words} words");
}

#[test]
fn every_link_of_the_documents_leads_somewhere() {
    for (path, text) in documents() {
        for link in found(r"\]\(([^)\s]+)\)", &text) {
            if link.contains("://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let file = match file {
                "" => path.clone(),
                file => Path::new(&path).with_file_name(file).to_str().unwrap().to_owned(),
            };
            assert!(root().join(&file).exists(), "{path} links to {link}");
            if !anchor.is_empty() {
                assert!(anchors(&read(&file)).contains(anchor), "{path} links to {link}");
            }
        }
    }
}

#[test]
fn every_path_that_the_documents_name_exists() {
    let secrets = ["WebhookSecretName", "ServicesSecretName"]
        .map(|name| plain(TEMPLATE.at(&format!("Parameters/{name}/Default"))));
    let pattern = format!(r"(?:^|[\s`(/])({FOLDERS}/[A-Za-z0-9_./-]+)");
    for (page, text) in documents() {
        for path in found(&pattern, &text) {
            let path = path.trim_end_matches(['.', '/']);
            let is_there = root().join(path).exists() || secrets.iter().any(|name| name == path);
            assert!(is_there, "{page} names {path}");
        }
    }
}

#[test]
fn every_variable_parameter_and_output_has_its_place() {
    let mut variables = BTreeSet::new();
    for folder in ["functions", "shared/src"] {
        let reads = |name: &str| ["config.rs", "settings.rs", "endpoint.rs"].contains(&name);
        let is_read = |path: &str| path.rsplit('/').next().is_some_and(reads);
        let files = sources(folder).into_iter().filter(|(path, _)| is_read(path));
        for (_, text) in files {
            let read = text.split("#[cfg(test)]").next().unwrap_or_default();
            variables.extend(found(r#""([A-Z]+(?:_[A-Z]+)+)""#, read));
        }
    }
    for name in ["GEMINI_MODEL", "VERTEX_LOCATION", "SCORING_QUEUE_URL", "WEBHOOK_TOKEN"] {
        assert!(variables.contains(name), "the search finds no {name}");
    }
    for function in TEMPLATE.of_kind("AWS::Serverless::Function") {
        variables.extend(TEMPLATE.variables(&function).into_keys());
    }
    assert_named("docs/configure.md", variables);
    assert_named("docs/configure.md", TEMPLATE.keys("Parameters"));
    assert_named("docs/deploy.md", TEMPLATE.keys("Outputs"));
}

#[test]
fn every_alarm_metric_and_command_is_explained() {
    assert_named("docs/operate.md", TEMPLATE.of_kind("AWS::CloudWatch::Alarm"));
    assert_named("docs/operate.md", Metric::ALL.map(Metric::name));
    let files = sources("runtally/src").into_values();
    let cli: String = files.filter(|text| text.contains("derive(Subcommand)")).collect();
    let commands = found(r"(?m)^    ([A-Z][a-z]+)\(\w+::Options\),$", &cli);
    assert!(commands.contains("Doctor"), "the search finds no commands");
    let commands = commands.iter().map(|name| format!("runtally {}", name.to_lowercase()));
    assert_named("docs/commands.md", commands);
}

#[test]
fn every_alarm_that_the_documents_name_exists() {
    let alarms: BTreeSet<String> = TEMPLATE.of_kind("AWS::CloudWatch::Alarm").into_iter().collect();
    for (page, text) in documents() {
        for name in found(r"`([A-Z][A-Za-z]+Alarm)`", &text) {
            assert!(alarms.contains(&name), "{page} names {name}");
        }
    }
}

#[test]
fn every_field_of_the_run_record_is_explained() {
    let fields = shared::schema::run_record::FIELDS.iter().map(|field| field.name.to_owned());
    assert_named("docs/record.md", fields);
}

#[test]
fn every_dependency_has_a_reason_and_no_other_crate_has() {
    let manifest = read("Cargo.toml");
    let (_, listed) = manifest.split_once("[workspace.dependencies]").unwrap();
    let listed = listed.split("\n[").next().unwrap_or_default();
    // The workspace's own crates have a path, not a version.
    let crates = found(r#"(?m)^([a-z0-9_-]+) = (?:"|\{ version)"#, listed);
    let page = read("docs/dependencies.md");
    let reasons = page.split("\n## What was not taken").next().unwrap_or_default();
    assert_eq!(found(r"`([a-z0-9_-]+)`", reasons), crates);
}
