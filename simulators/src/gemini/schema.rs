//! The two ways to request a shape: `responseSchema` and `responseJsonSchema`.

use super::error::ApiError;
use super::shape::{Shape, TextRules};
use super::terms::Surface;
use serde_json::{Map, Value, json};
use std::cell::RefCell;

/// Deepest nesting of a schema, because a schema that refers to itself has no end.
const DEEPEST: usize = 32;
/// The keys of `responseSchema`.
const KEYS: [&str; 22] = [
    "type",
    "items",
    "properties",
    "nullable",
    "enum",
    "format",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "required",
    "propertyOrdering",
    "anyOf",
    "description",
    "title",
    "default",
    "example",
    "pattern",
    "minLength",
    "maxLength",
    "minProperties",
    "maxProperties",
];
/// The key that says which other names an object may have, in both spellings.
const MAPS: [&str; 2] = ["additionalProperties", "additional_properties"];
/// The keys with several words, and their snake_case spelling, which is accepted too.
const IN_SNAKE_CASE: [(&str, &str); 8] = [
    ("minItems", "min_items"),
    ("maxItems", "max_items"),
    ("propertyOrdering", "property_ordering"),
    ("anyOf", "any_of"),
    ("minLength", "min_length"),
    ("maxLength", "max_length"),
    ("minProperties", "min_properties"),
    ("maxProperties", "max_properties"),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Dialect {
    /// The OpenAPI subset: types in upper case, a closed list of keys.
    OpenApi,
    /// JSON Schema: types in lower case, `$ref`.
    Json,
}

struct Reader<'a> {
    dialect: Dialect,
    /// Whether objects may have names that the schema does not list. The OpenAPI dialect has this
    /// only on Vertex AI.
    takes_maps: bool,
    root: &'a Value,
    /// The references that are currently resolved.
    followed: RefCell<Vec<String>>,
}

impl Shape {
    pub(super) fn of_schema(schema: &Value, surface: Surface) -> Result<Self, ApiError> {
        let takes_maps = surface == Surface::Vertex;
        Reader { dialect: Dialect::OpenApi, takes_maps, root: schema, followed: RefCell::default() }
            .whole("responseSchema")
    }

    pub(super) fn of_json_schema(schema: &Value) -> Result<Self, ApiError> {
        let dialect = Dialect::Json;
        Reader { dialect, takes_maps: true, root: schema, followed: RefCell::default() }
            .whole("responseJsonSchema")
    }
}

/// The value of a key, in either spelling.
fn get<'a>(keys: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let snake = || IN_SNAKE_CASE.iter().find(|(camel, _)| *camel == name).map(|(_, snake)| snake);
    keys.get(name).or_else(|| keys.get(*snake()?))
}

/// A count, as a number or as a string, because Google's clients write long integers as strings.
fn count(keys: &Map<String, Value>, name: &str) -> Option<usize> {
    let value = get(keys, name)?;
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
    usize::try_from(number?).ok()
}

fn refuse(path: &str, rule: impl std::fmt::Display) -> ApiError {
    ApiError::InvalidArgument(format!("{path}: {rule}"))
}

fn endless(path: &str) -> ApiError {
    refuse(path, "schema nests too deeply")
}

impl Reader<'_> {
    /// Whether the OpenAPI dialect has this key.
    fn knows(&self, key: &str) -> bool {
        let in_snake_case = || IN_SNAKE_CASE.iter().any(|(_, snake)| *snake == key);
        KEYS.contains(&key) || in_snake_case() || (self.takes_maps && MAPS.contains(&key))
    }

    fn whole(&self, path: &str) -> Result<Shape, ApiError> {
        let shape = self.read(self.root, path, 0)?;
        if shape == Shape::Again { Err(endless(path)) } else { Ok(shape) }
    }

    fn read(&self, schema: &Value, path: &str, depth: usize) -> Result<Shape, ApiError> {
        if depth > DEEPEST {
            return Err(endless(path));
        }
        let keys = schema.as_object().ok_or_else(|| refuse(path, "must be an object"))?;
        if self.dialect == Dialect::OpenApi
            && let Some(key) = keys.keys().find(|key| !self.knows(key))
        {
            return Err(refuse(path, format!("Unknown name {key:?}: Cannot find field.")));
        }
        if let Some(target) = keys.get("$ref").filter(|_| self.dialect == Dialect::Json) {
            let target = target.as_str().and_then(|text| text.strip_prefix('#'));
            let found = target.and_then(|pointer| Some((pointer, self.root.pointer(pointer)?)));
            let (pointer, found) = found.ok_or_else(|| refuse(path, "$ref leads nowhere"))?;
            if self.followed.borrow().iter().any(|followed| followed == pointer) {
                return Ok(Shape::Again);
            }
            self.followed.borrow_mut().push(pointer.to_owned());
            let shape = self.read(found, path, depth + 1);
            self.followed.borrow_mut().pop();
            return shape;
        }
        if let Some(values) = keys.get("enum") {
            let values = values.as_array().filter(|values| !values.is_empty());
            let values = values.ok_or_else(|| refuse(path, "enum must be a list of values"))?;
            return Ok(Shape::Choice(values.clone()));
        }
        if let Some(only) = keys.get("const").filter(|_| self.dialect == Dialect::Json) {
            return Ok(Shape::Choice(vec![only.clone()]));
        }
        let options = get(keys, "anyOf").or_else(|| get(keys, "oneOf"));
        if let Some(options) = options.and_then(Value::as_array) {
            return self.first_of(options, path, depth);
        }
        self.typed(keys, path, depth)
    }

    /// The first alternative that is not only null.
    fn first_of(&self, options: &[Value], path: &str, depth: usize) -> Result<Shape, ApiError> {
        let mut first = None;
        for option in options {
            let shape = self.read(option, path, depth + 1)?;
            if shape != Shape::Null && shape != Shape::Again {
                first.get_or_insert(shape);
            }
        }
        Ok(first.unwrap_or(Shape::Null))
    }

    fn typed(
        &self,
        keys: &Map<String, Value>,
        path: &str,
        depth: usize,
    ) -> Result<Shape, ApiError> {
        let number = |name: &str, otherwise: f64| {
            keys.get(name).and_then(Value::as_f64).unwrap_or(otherwise)
        };
        // The next number is a thousandth away, or 1 for whole numbers.
        let step = if keys.get("type").is_some_and(|name| name == "integer") { 1.0 } else { 0.001 };
        let minimum = number("minimum", number("exclusiveMinimum", -step) + step);
        let most = number("exclusiveMaximum", 100.0_f64.max(minimum) + step) - step;
        let maximum = number("maximum", most);
        match self.type_name(keys, path)?.as_str() {
            "string" => Ok(Shape::Text(TextRules {
                min: count(keys, "minLength").unwrap_or(0),
                max: count(keys, "maxLength"),
                format: keys.get("format").and_then(Value::as_str).map(str::to_owned),
            })),
            "integer" => Ok(Shape::Number { minimum, maximum, whole: true }),
            "number" => Ok(Shape::Number { minimum, maximum, whole: false }),
            "boolean" => Ok(Shape::Boolean),
            "null" => Ok(Shape::Null),
            "array" => self.list(keys, path, depth),
            "object" => self.object(keys, path, depth),
            other => Err(refuse(path, format!("there is no type {other:?}"))),
        }
    }

    /// The type in lower case, in either dialect. Of several types, the first that is not null.
    fn type_name(&self, keys: &Map<String, Value>, path: &str) -> Result<String, ApiError> {
        let given = match keys.get("type") {
            Some(Value::String(name)) => Some(name.as_str()),
            Some(Value::Array(names)) if self.dialect == Dialect::Json => {
                names.iter().filter_map(Value::as_str).find(|&name| name != "null")
            }
            Some(_) | None if keys.contains_key("properties") => return Ok("object".to_owned()),
            Some(_) | None => None,
        };
        // Without a type, JSON Schema accepts anything.
        let given = match (given, self.dialect) {
            (None, Dialect::Json) => return Ok("string".to_owned()),
            (None, Dialect::OpenApi) => return Err(refuse(path, "type is missing")),
            (Some(given), _) => given,
        };
        let is_upper = given.chars().all(|letter| letter.is_ascii_uppercase());
        let is_good = match self.dialect {
            Dialect::Json => !is_upper,
            // On Vertex AI, Google's client writes the types of maps in lower case.
            Dialect::OpenApi => is_upper || self.takes_maps,
        };
        if !is_good {
            return Err(refuse(path, format!("there is no type {given:?}")));
        }
        Ok(given.to_ascii_lowercase())
    }

    fn list(&self, keys: &Map<String, Value>, path: &str, depth: usize) -> Result<Shape, ApiError> {
        if let Some(first) = keys.get("prefixItems").and_then(Value::as_array) {
            let read = |item| self.read(item, path, depth + 1);
            return Ok(Shape::Tuple(first.iter().map(read).collect::<Result<_, _>>()?));
        }
        let items = keys.get("items").ok_or_else(|| refuse(path, "items: missing field."))?;
        let items = Box::new(self.read(items, &format!("{path}.items"), depth + 1)?);
        let min = count(keys, "minItems").unwrap_or(0);
        let max = count(keys, "maxItems").unwrap_or(usize::MAX);
        if *items != Shape::Again {
            return Ok(Shape::List { items, min, max });
        }
        // The recursion ends here, if the list may be empty.
        let none = Shape::List { items: Box::new(Shape::Null), min: 0, max: 0 };
        if min > 0 { Err(endless(path)) } else { Ok(none) }
    }

    fn object(
        &self,
        keys: &Map<String, Value>,
        path: &str,
        depth: usize,
    ) -> Result<Shape, ApiError> {
        let none = Map::new();
        let properties = keys.get("properties").and_then(Value::as_object).unwrap_or(&none);
        let more = MAPS.iter().find_map(|name| keys.get(*name)).filter(|_| self.takes_maps);
        if let Some(more) = more.filter(|more| properties.is_empty() && more.is_object()) {
            let shape = self.read(more, path, depth + 1)?;
            let entry = (shape != Shape::Again).then(|| ("key".to_owned(), shape));
            return Ok(Shape::Object(entry.into_iter().collect()));
        }
        if properties.is_empty() && self.dialect == Dialect::OpenApi {
            return Err(refuse(path, "properties: should be non-empty for OBJECT type"));
        }
        for name in ["required", "propertyOrdering"] {
            let listed = get(keys, name).and_then(Value::as_array).into_iter().flatten();
            let mut listed = listed.filter_map(Value::as_str);
            if let Some(unknown) = listed.find(|&property| !properties.contains_key(property)) {
                return Err(refuse(path, format!("{name}: property {unknown:?} is not defined")));
            }
        }
        let required = keys.get("required").and_then(Value::as_array);
        let mut read = Vec::new();
        for (name, schema) in properties {
            let path = format!("{path}.{name}");
            let shape = self.read(schema, &path, depth + 1)?;
            if shape != Shape::Again {
                read.push((name.clone(), shape));
            } else if required.is_some_and(|names| names.contains(&json!(name))) {
                return Err(endless(&path));
            }
        }
        Ok(Shape::Object(read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_dialects_read_to_the_same_shape() {
        let open_api = json!({"type": "ARRAY", "items": {"type": "OBJECT", "properties": {
            "id": {"type": "STRING"},
            "score": {"type": "INTEGER", "minimum": 1, "maximum": 5},
            "tag": {"type": "STRING", "nullable": true, "enum": ["a", "b"]},
        }, "required": ["id"], "propertyOrdering": ["id", "score", "tag"]}});
        let json_schema = json!({"type": "array", "items": {"$ref": "#/$defs/post"}, "$defs": {
            "post": {"type": "object", "additionalProperties": false, "properties": {
                "id": {"type": ["null", "string"]},
                "score": {"anyOf": [{"type": "null"}, {"type": "integer", "minimum": 1, "maximum": 5}]},
                "tag": {"enum": ["a", "b"]},
            }},
        }});
        let shape = Shape::of_schema(&open_api, Surface::Studio).unwrap();
        assert_eq!(Shape::of_json_schema(&json_schema).unwrap(), shape);
    }

    #[test]
    fn a_schema_as_googles_clients_write_it_is_read() {
        let pydantic = json!({"title": "Verdict", "type": "OBJECT", "properties": {
            "tags": {"title": "Tags", "type": "ARRAY", "minItems": "2", "max_items": 3,
                     "items": {"type": "STRING", "max_length": 4, "pattern": "^[a-z]+$"}},
            "at": {"type": "STRING", "format": "date-time", "default": null, "nullable": true},
        }, "property_ordering": ["tags", "at"], "required": ["tags"]});
        let tag = TextRules { max: Some(4), ..TextRules::default() };
        let at = TextRules { format: Some("date-time".to_owned()), ..TextRules::default() };
        let tags = Shape::List { items: Box::new(Shape::Text(tag)), min: 2, max: 3 };
        let expected = vec![("at".to_owned(), Shape::Text(at)), ("tags".to_owned(), tags)];
        let read = Shape::of_schema(&pydantic, Surface::Studio).unwrap();
        let Shape::Object(mut properties) = read else { panic!("{read:?}") };
        properties.sort_by(|left, right| left.0.cmp(&right.0));
        assert_eq!(properties, expected);
    }

    #[test]
    fn a_schema_that_names_itself_ends_where_it_may() {
        let node = |required: Value| {
            json!({"$ref": "#/$defs/node", "$defs": {"node": {"type": "object", "properties": {
                "name": {"type": "string"}, "next": {"$ref": "#/$defs/node"},
                "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
            }, "required": required}}})
        };
        let none = Shape::List { items: Box::new(Shape::Null), min: 0, max: 0 };
        let expected = vec![("children".to_owned(), none), ("name".to_owned(), Shape::text())];
        let read = Shape::of_json_schema(&node(json!(["name"]))).unwrap();
        assert_eq!(read, Shape::Object(expected));
        assert!(Shape::of_json_schema(&node(json!(["next"]))).is_err());
    }

    #[test]
    fn an_object_of_any_names_is_read_on_vertex_only() {
        let map = json!({"type": "OBJECT", "additional_properties": {"type": "INTEGER"}});
        let read = Shape::of_schema(&map, Surface::Vertex).unwrap();
        assert!(matches!(&read, Shape::Object(entries) if entries.len() == 1), "{read:?}");
        assert!(Shape::of_schema(&map, Surface::Studio).is_err());
        let bounds = json!({"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 5});
        let expected = Shape::Number { minimum: 1.0, maximum: 4.0, whole: true };
        assert_eq!(Shape::of_json_schema(&bounds).unwrap(), expected);
    }

    #[test]
    fn a_schema_that_breaks_its_dialect_is_refused() {
        for schema in [
            json!({"type": "string"}),
            json!({"type": "OBJECT"}),
            json!({"type": "ARRAY"}),
            json!({"type": "STRING", "additionalProperties": false}),
            json!({"description": "nothing else"}),
            json!({"type": "OBJECT", "properties": {"a": {"type": "STRING"}}, "required": ["b"]}),
        ] {
            assert!(Shape::of_schema(&schema, Surface::Studio).is_err(), "{schema}");
        }
        for schema in
            [json!({"type": "STRING"}), json!({"$ref": "#/$defs/none"}), json!({"$ref": "#"})]
        {
            assert!(Shape::of_json_schema(&schema).is_err(), "{schema}");
        }
    }
}
