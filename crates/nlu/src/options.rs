//! Typed reading of a component's options; a missing or null option is its
//! default, one of the wrong type an error at the component's place.

use crate::TrainError;
use sapa_project::ComponentConfig;
use serde_json::Value;

/// The options of one component.
#[derive(Clone, Copy)]
pub(crate) struct Options<'a> {
    /// The component.
    pub config: &'a ComponentConfig,
}

impl<'a> Options<'a> {
    /// The raw value, unless missing or null.
    pub fn get(&self, key: &str) -> Option<&'a Value> {
        self.config.options.get(key).filter(|value| !value.is_null())
    }

    /// An error about one option.
    pub fn bad(&self, key: &str, expected: &str) -> TrainError {
        let message = format!("option `{key}` of {} must be {expected}", self.config.name);
        TrainError::new(
            sapa_project::codes::BAD_OPTION,
            message,
            self.config.option_span(key),
            "correct the option or remove it to use the default",
        )
    }

    fn read<T>(
        &self,
        key: &str,
        expected: &str,
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, TrainError> {
        self.get(key).map(|value| read(value).ok_or_else(|| self.bad(key, expected))).transpose()
    }

    /// True or false.
    pub fn bool(&self, key: &str, default: bool) -> Result<bool, TrainError> {
        Ok(self.read(key, "true or false", Value::as_bool)?.unwrap_or(default))
    }

    /// A whole number of at least 0.
    pub fn count(&self, key: &str, default: usize) -> Result<usize, TrainError> {
        Ok(self.opt_count(key)?.unwrap_or(default))
    }

    /// A whole number of at least 0, if given.
    pub fn opt_count(&self, key: &str) -> Result<Option<usize>, TrainError> {
        self.read(key, "a whole number", |value| value.as_u64().and_then(|n| usize::try_from(n).ok()))
    }

    /// A number.
    pub fn number(&self, key: &str, default: f64) -> Result<f64, TrainError> {
        Ok(self.read(key, "a number", Value::as_f64)?.unwrap_or(default))
    }

    /// A text, if given.
    pub fn text(&self, key: &str) -> Result<Option<&'a str>, TrainError> {
        self.read(key, "a text", Value::as_str)
    }

    /// One of these texts; the first is the default.
    pub fn choice(&self, key: &str, choices: &[&'static str]) -> Result<&'static str, TrainError> {
        let given = self.text(key)?;
        let found = match given {
            None => choices.first(),
            Some(given) => choices.iter().find(|choice| **choice == given),
        };
        found.copied().ok_or_else(|| self.bad(key, &format!("one of {}", choices.join(", "))))
    }

    /// A list of texts; empty if missing.
    pub fn texts(&self, key: &str) -> Result<Vec<String>, TrainError> {
        let read = |value: &Value| serde_json::from_value::<Vec<String>>(value.clone()).ok();
        Ok(self.read(key, "a list of texts", read)?.unwrap_or_default())
    }

    /// A list of lists of texts, if given.
    pub fn windows(&self, key: &str) -> Result<Option<Vec<Vec<String>>>, TrainError> {
        self.read(key, "a list of lists of feature names", |value| serde_json::from_value(value.clone()).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn null_is_the_default_and_a_wrong_type_an_error_with_the_options_name() {
        let options = json!({"a": null, "b": 3, "c": "x", "d": ["p", 1]});
        let config = ComponentConfig::implied("Thing", options.as_object().cloned().unwrap());
        let options = Options { config: &config };
        assert!(options.bool("a", true).unwrap());
        assert_eq!(options.count("b", 1).unwrap(), 3);
        assert_eq!(options.number("missing", 0.5).unwrap(), 0.5);
        assert_eq!(options.bool("b", true).unwrap_err().0.message, "option `b` of Thing must be true or false");
        assert_eq!(options.choice("c", &["y", "x"]).unwrap(), "x");
        assert_eq!(options.choice("a", &["y", "x"]).unwrap(), "y");
        assert!(options.choice("c", &["y"]).is_err());
        assert!(options.texts("d").is_err());
    }
}
