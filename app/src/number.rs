//! A decimal that is a JSON number on the wire, digit for digit.

use std::{borrow::Cow, fmt};

use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::value::RawValue;
use topicast::schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// An exact decimal: a price, a quantity, a volume.
///
/// It is serialized as a JSON number without trailing zeros, without a conversion to a binary
/// float, so that a volume summed from many trades is exact. Binary formats get the nearest
/// `f64`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Number(pub Decimal);

impl From<Decimal> for Number {
    fn from(value: Decimal) -> Self {
        Self(value)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.normalize().fmt(f)
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            RawValue::from_string(self.to_string()).map_err(ser::Error::custom)?.serialize(serializer)
        } else {
            let nearest = self.0.to_f64().ok_or_else(|| ser::Error::custom("a decimal without a nearest float"))?;
            serializer.serialize_f64(nearest)
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            let float = f64::deserialize(deserializer)?;
            return Decimal::try_from(float).map(Self).map_err(de::Error::custom);
        }
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        // Decimal's parser also accepts forms that JSON does not have, but the text is valid JSON,
        // where only a number starts without a quote, a bracket or a letter.
        let text = raw.get();
        text.parse().or_else(|_| Decimal::from_scientific(text)).map(Self).map_err(|_| {
            let unexpected = de::Unexpected::Other(text);
            de::Error::invalid_value(unexpected, &"a number of at most 28 digits")
        })
    }
}

impl JsonSchema for Number {
    fn schema_name() -> Cow<'static, str> {
        "Number".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number" })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(text: &str) -> Number {
        Number(text.parse().expect("a decimal"))
    }

    #[test]
    fn keeps_its_digits_and_drops_trailing_zeros() {
        for (decimal, json) in [
            ("61837.63000000", "61837.63"),
            ("0.10", "0.1"),
            ("100", "100"),
            ("100.000", "100"),
            ("0", "0"),
            ("0.00", "0"),
            ("-0.5", "-0.5"),
            ("0.00000001", "0.00000001"),
            ("1234567890123456789.12345678", "1234567890123456789.12345678"),
        ] {
            assert_eq!(serde_json::to_string(&number(decimal)).expect("a number"), json);
        }
    }

    #[test]
    fn reads_json_numbers_only() {
        assert_eq!(serde_json::from_str::<Number>("1e-7").expect("scientific"), number("0.0000001"));
        assert_eq!(serde_json::from_value::<Number>(serde_json::json!(1.5)).expect("a value"), number("1.5"));
        for text in ["\"1\"", "null", "true", "[1]", "{}", "1e99"] {
            assert!(serde_json::from_str::<Number>(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn round_trips(mantissa in any::<i64>(), scale in 0_u32..=18) {
            let number = Number(Decimal::new(mantissa, scale));
            let json = serde_json::to_string(&number).expect("a number");
            prop_assert_eq!(serde_json::from_str::<Number>(&json).expect("its own text"), number);
            prop_assert!(serde_json::from_str::<serde_json::Number>(&json).is_ok());
        }
    }
}
