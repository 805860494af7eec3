//! JSON, read strictly and written anew.
//!
//! Two parsers can read one text differently: a name that stands twice, an array where an object is due, half of a surrogate pair. What
//! is judged here must be what the server reads. So what is not plain is refused, and what goes on is written from what was read.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

/// The most members of one object. Their names are held while the object is read.
const MOST_MEMBERS: usize = 10_000;

/// A JSON value as compact text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json(String);

/// An object's members in their order, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Object(Vec<(String, Json)>);

/// Why a text is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonProblem {
    /// No JSON, or a name that stands twice in an object, at any depth.
    #[error("is no JSON, or has a name twice in one object")]
    Malformed,
    /// Something else than an object.
    #[error("is no JSON object")]
    NotAnObject,
}

impl Json {
    /// Writes a text as JSON.
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        Self(serde_json::Value::from(text).to_string())
    }

    /// The JSON.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What it says, if it is a string.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        serde_json::from_str(&self.0).ok()
    }

    /// What a string, a number, `true` or `false` looks like in a header.
    #[must_use]
    pub fn primitive(&self) -> Option<String> {
        match self.0.as_bytes().first()? {
            b'{' | b'[' | b'n' => None,
            b'"' => self.text(),
            _ => Some(self.0.clone()),
        }
    }

    /// Whether it can name a request: a string or a whole number (JSON-RPC 2.0 section 4).
    #[must_use]
    pub fn is_id(&self) -> bool {
        self.0.starts_with('"') || self.0.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
    }

    /// Its members, if it is an object.
    #[must_use]
    pub fn object(&self) -> Option<Object> {
        Object::parse(self.0.as_bytes()).ok()
    }
}

impl Object {
    /// Reads a text that must be an object and nothing else.
    ///
    /// # Errors
    /// If it is not, or could be read in more than one way.
    pub fn parse(text: &[u8]) -> Result<Self, JsonProblem> {
        if text.trim_ascii_start().first() != Some(&b'{') {
            // Tell an array from no JSON at all.
            return Err(serde_json::from_slice::<Json>(text).map_or(JsonProblem::Malformed, |_| JsonProblem::NotAnObject));
        }
        serde_json::from_slice(text).map_err(|_| JsonProblem::Malformed)
    }

    /// The member of this very name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.0.iter().find_map(|(key, value)| (key == name).then_some(value))
    }

    /// The members' names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// All members.
    pub fn members(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Keeps the members of these names.
    pub fn retain(&mut self, names: &[&str]) {
        self.0.retain(|(name, _)| names.contains(&name.as_str()));
    }

    /// Puts a member at the end, or in the place of the one of that name.
    pub fn set(&mut self, name: &str, value: Json) {
        match self.0.iter_mut().find(|(key, _)| key == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// Writes it.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut text = String::from("{");
        for (number, (name, value)) in self.0.iter().enumerate() {
            if number > 0 {
                text.push(',');
            }
            text.extend([Json::of_text(name).as_str(), ":", value.as_str()]);
        }
        text.push('}');
        Json(text)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut out = Vec::new();
        Copy(&mut out).deserialize(deserializer)?;
        String::from_utf8(out).map(Self).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let (mut object, mut seen) = (Object::default(), HashSet::new());
                while let Some(name) = map.next_key::<String>()? {
                    add(&mut seen, &name)?;
                    object.0.push((name, map.next_value()?));
                }
                Ok(object)
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// Notes a name, which must be new.
fn add<E: serde::de::Error>(seen: &mut HashSet<String>, name: &str) -> Result<(), E> {
    if seen.len() == MOST_MEMBERS || !seen.insert(name.to_owned()) {
        return Err(E::custom("a name stands twice, or there are too many"));
    }
    Ok(())
}

/// Writes what it reads to the end of a text.
struct Copy<'a>(&'a mut Vec<u8>);

impl Copy<'_> {
    fn write<E: serde::de::Error>(self, value: &(impl Serialize + ?Sized)) -> Result<(), E> {
        serde_json::to_writer(self.0, value).map_err(E::custom)
    }
}

impl<'de> DeserializeSeed<'de> for Copy<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Copy<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.write(&())
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.write(&value)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.write(&value)
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.write(&value)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.write(&value)
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        self.write(value)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        self.0.push(b'[');
        let mut first = true;
        loop {
            let end = self.0.len();
            if !first {
                self.0.push(b',');
            }
            if seq.next_element_seed(Copy(self.0))?.is_none() {
                self.0.truncate(end);
                self.0.push(b']');
                return Ok(());
            }
            first = false;
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.0.push(b'{');
        let mut seen = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            add(&mut seen, &name)?;
            if seen.len() > 1 {
                self.0.push(b',');
            }
            Copy(self.0).write(&name)?;
            self.0.push(b':');
            map.next_value_seed(Copy(self.0))?;
        }
        self.0.push(b'}');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        for text in [
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":{"y":[{"a":1,"a":1}]}}"#,
            r#"{"a":1} {}"#,
            r#"{"a":1,}"#,
            r#"{"a":"\ud800"}"#,
            r"{'a':1}",
            r#"{"a":01}"#,
            r#"{"a":NaN}"#,
            r#"{"a":1e999}"#,
            r#"{"a":1}//"#,
            "\u{feff}{}",
            "{\"a\":\"\u{1}\"}",
            "",
            "{",
        ] {
            assert_eq!(Object::parse(text.as_bytes()), Err(JsonProblem::Malformed), "{text}");
        }
        assert_eq!(Object::parse(b"{\"a\":\"\xff\"}"), Err(JsonProblem::Malformed));
        for text in ["[]", "null", "1", "\"a\"", " [{}]"] {
            assert_eq!(Object::parse(text.as_bytes()), Err(JsonProblem::NotAnObject), "{text}");
        }
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200));
        assert_eq!(Object::parse(deep.as_bytes()), Err(JsonProblem::Malformed));
        let wide: Vec<_> = (0..=MOST_MEMBERS).map(|number| format!("\"{number}\":0")).collect();
        assert_eq!(Object::parse(format!("{{{}}}", wide.join(",")).as_bytes()), Err(JsonProblem::Malformed));
    }

    #[test]
    fn values_are_told_apart() {
        let object = Object::parse(br#"{"s":"a\"b","n":-12,"f":1.5,"t":true,"z":null,"o":{"x":1},"l":[1, 2]}"#).unwrap();
        let get = |name| object.get(name).unwrap();
        assert_eq!(get("s").text().as_deref(), Some("a\"b"));
        assert_eq!(
            (get("n").is_id(), get("s").is_id(), get("f").is_id(), get("z").is_id(), get("l").is_id()),
            (true, true, false, false, false)
        );
        let primitives: Vec<_> = object.members().map(|(_, value)| value.primitive()).collect();
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(primitives, [text("a\"b"), text("-12"), text("1.5"), text("true"), None, None, None]);
        assert!(get("o").object().is_some() && get("l").object().is_none() && get("n").text().is_none());
        assert_eq!(object.to_json().as_str(), r#"{"s":"a\"b","n":-12,"f":1.5,"t":true,"z":null,"o":{"x":1},"l":[1,2]}"#);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1e300..1e300).prop_map(Value::from),
            "\\PC{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::hash_map("\\PC{0,4}", inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_means_what_was_read(value in any_value()) {
            let object = serde_json::json!({"value": value});
            let read = Object::parse(serde_json::to_string_pretty(&object).unwrap().as_bytes()).unwrap();
            prop_assert_eq!(serde_json::from_str::<Value>(read.to_json().as_str()).unwrap(), object);
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}|[{}\\[\\]\",:0-9a-z\\\\]{0,40}") {
            if let Ok(object) = Object::parse(text.as_bytes()) {
                prop_assert_eq!(Object::parse(object.to_json().as_str().as_bytes()), Ok(object));
            }
        }
    }
}
