//! `template.yaml`, read with CloudFormation's short tags.

use serde_norway::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

/// The template.
pub(crate) static TEMPLATE: LazyLock<Template> =
    LazyLock::new(|| Template(serde_norway::from_str(TEXT).unwrap()));
pub(crate) const TEXT: &str = include_str!("../../../template.yaml");

pub(crate) struct Template(Value);

impl Template {
    /// The value at `path`, whose parts are separated by slashes.
    pub(crate) fn at(&self, path: &str) -> &Value {
        path.split('/').fold(&self.0, |value, part| {
            let next = value.get(part);
            next.unwrap_or_else(|| panic!("template.yaml has no {part} on the way to {path}"))
        })
    }

    /// The names at `path`.
    pub(crate) fn keys(&self, path: &str) -> impl Iterator<Item = String> {
        self.at(path).as_mapping().unwrap().keys().map(plain)
    }

    /// The number at `path`.
    pub(crate) fn number_at(&self, path: &str) -> u64 {
        let value = plain(self.at(path));
        value.parse().unwrap_or_else(|_| panic!("{path} is {value}, not a number"))
    }

    /// The value at `path` in the properties of `resource`, as [`plain`] text.
    pub(crate) fn property(&self, resource: &str, path: &str) -> String {
        plain(self.at(&format!("Resources/{resource}/Properties/{path}")))
    }

    /// The number at `path` in the properties of `resource`.
    pub(crate) fn number(&self, resource: &str, path: &str) -> u64 {
        self.number_at(&format!("Resources/{resource}/Properties/{path}"))
    }

    /// The names of all resources of `kind`.
    pub(crate) fn of_kind(&self, kind: &str) -> Vec<String> {
        let resources = self.at("Resources").as_mapping().unwrap();
        let is_kind = |(_, resource): &(&Value, &Value)| resource["Type"] == kind;
        resources.iter().filter(is_kind).map(|(name, _)| plain(name)).collect()
    }

    /// A function's variables: its own and those of all functions.
    pub(crate) fn variables(&self, function: &str) -> BTreeMap<String, String> {
        let own = format!("Resources/{function}/Properties/Environment/Variables");
        let all = "Globals/Function/Environment/Variables";
        [all, own.as_str()]
            .iter()
            .flat_map(|path| self.at(path).as_mapping().unwrap())
            .map(|(name, value)| (plain(name), plain(value)))
            .collect()
    }

    /// The value of each variable if no parameter is set; `None` if the template does not determine
    /// it.
    pub(crate) fn defaults(&self, function: &str) -> BTreeMap<String, Option<String>> {
        let parameters = self.at("Parameters");
        let default = |of: &str| match parameters.get(of) {
            Some(parameter) => parameter.get("Default").map(plain),
            // A reference to a resource, or the stack's name.
            None if of.contains("::") || self.at("Resources").get(of).is_some() => None,
            None => Some(of.to_owned()),
        };
        let variables = self.variables(function);
        variables.iter().map(|(name, of)| (name.clone(), default(of))).collect()
    }

    /// What the role of a function or schedule may do: actions by resource.
    pub(crate) fn rights(&self, role: &str) -> BTreeMap<String, Vec<String>> {
        self.rights_if(role, None)
    }

    /// What a role may do under this condition only.
    pub(crate) fn rights_if(
        &self,
        role: &str,
        condition: Option<&str>,
    ) -> BTreeMap<String, Vec<String>> {
        let mut rights: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let policies = self.at(&format!("Resources/{role}/Properties/Policies"));
        for policy in policies.as_sequence().unwrap() {
            for statement in policy["PolicyDocument"]["Statement"].as_sequence().unwrap() {
                // `!If [condition, statement, no value]`
                let (only_if, statement) = if let Value::Tagged(choice) = statement {
                    (choice.value[0].as_str(), &choice.value[1])
                } else {
                    (None, statement)
                };
                if only_if != condition {
                    continue;
                }
                assert_eq!(statement["Effect"], "Allow", "{role}");
                for resource in list(&statement["Resource"]) {
                    rights.entry(resource).or_default().extend(list(&statement["Action"]));
                }
            }
        }
        rights.values_mut().for_each(|actions| actions.sort());
        rights
    }
}

/// One value or a list of them, as [`plain`] text.
fn list(value: &Value) -> Vec<String> {
    match value.as_sequence() {
        Some(values) => values.iter().map(plain).collect(),
        None => vec![plain(value)],
    }
}

/// The value as text. For a reference, the target: `!GetAtt Queue.Arn` is `Queue.Arn`.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::Tagged(tagged) => plain(&tagged.value),
        Value::String(text) => text.clone(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Null => String::new(),
        Value::Sequence(values) => values.iter().map(plain).collect::<Vec<_>>().join(","),
        Value::Mapping(map) => map
            .iter()
            .map(|(k, v)| format!("{}={}", plain(k), plain(v)))
            .collect::<Vec<_>>()
            .join(","),
    }
}

/// The Rust files in a folder of the workspace, by their path in the folder.
pub(crate) fn sources(folder: &str) -> BTreeMap<String, String> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(folder);
    let mut found = BTreeMap::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                found.insert(name, std::fs::read_to_string(path).unwrap());
            }
        }
    }
    found
}
