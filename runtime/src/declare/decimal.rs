//! Decimal texts of numbers, and the doubles that stand for them on every client.

/// The length up to which a text without an exponent cannot have more than 15 digits.
const SHORT: usize = 15;

/// Returns the double that a number's JSON text names, or `None` if another client may take the
/// text for another number.
///
/// A double stands for the shortest text that reads back as it, which is also how RFC 8785 and
/// ECMAScript print it. Every decimal of at most 15 digits is such a text; a longer one rarely
/// is, and a double then rounds it without a word.
pub(crate) fn double(text: &str) -> Option<f64> {
    let value: f64 = text.parse().ok().filter(|value: &f64| value.is_finite())?;
    let is_short = text.len() <= SHORT && !text.contains(['e', 'E']);
    // Zero has a sign as a double and none as a decimal.
    let prints_as_read = || {
        // Rust's own formatting breaks ties between two shortest texts in another way.
        let printed = serde_json_canonicalizer::to_string(&value).ok()?;
        Some(Decimal::read(text)? == Decimal::read(&printed)?)
    };
    (is_short || prints_as_read()?).then_some(value + 0.0)
}

/// The value of a decimal text.
#[derive(PartialEq)]
struct Decimal {
    is_negative: bool,
    /// Without zeros at either end: empty for zero.
    digits: String,
    /// The power of ten by which the digits, read as an integer, are multiplied.
    exponent: i64,
}

impl Decimal {
    /// Reads a JSON number. Returns `None` if the exponent has no place in 64 bits.
    fn read(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse().ok()),
            None => (text, Some(0_i64)),
        };
        let (is_negative, mantissa) = mantissa.strip_prefix('-').map_or((false, mantissa), |rest| (true, rest));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = [whole, fraction].concat();
        let leading = all.trim_end_matches('0');
        let digits = leading.trim_start_matches('0').to_owned();
        if digits.is_empty() {
            return Some(Self { is_negative: false, digits, exponent: 0 });
        }
        let shift = i64::try_from(all.len() - leading.len()).ok()? - i64::try_from(fraction.len()).ok()?;
        Some(Self { is_negative, digits, exponent: exponent?.checked_add(shift)? })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: Option<f64>) {
        let bits = |value: Option<f64>| value.map(f64::to_bits);
        assert_eq!(bits(double(text)), bits(expected), "{text}");
    }

    #[test]
    fn up_to_fifteen_digits_pass() {
        check("0.1", Some(0.1));
        check("-61837.6", Some(-61_837.6));
        check("123456789.012345", Some(123_456_789.012_345));
        check("1e21", Some(1e21));
        check("1E-7", Some(1e-7));
        check("1.50e+2", Some(150.0));
    }

    #[test]
    fn zeros_at_either_end_are_no_digits() {
        check("0.1000000000000000000000", Some(0.1));
        check("0.00000000000000000000001", Some(1e-23));
        check("100000000000000000000000", Some(1e23));
        check("1000000000000000000000000e-24", Some(1.0));
    }

    #[test]
    fn more_digits_pass_if_they_are_how_a_double_prints() {
        check("0.30000000000000004", Some(0.1 + 0.2));
        check("9007199254740991", Some(9_007_199_254_740_991.0));
        check("1152921504606847000", Some(1_152_921_504_606_846_976.0));
        check("1.7976931348623157e308", Some(f64::MAX));
        check("5e-324", Some(f64::from_bits(1)));
        // Halfway between .2 and .3, of which ECMAScript prints the even digit.
        check("841305265642596.2", Some(841_305_265_642_596.0 + 0.25));
        check("841305265642596.3", None);
    }

    #[test]
    fn a_number_that_a_double_rounds_is_refused() {
        for text in [
            "0.1234567890123456789",
            "0.30000000000000005",
            "9007199254740993",
            "1152921504606846976",
            "18446744073709551615",
            "4.9406564584124654e-324",
            "1.5e-323999",
            "1e-400",
            "1e400",
            "-1e99999999999999999999999",
            "1e-99999999999999999999999",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn zero_has_no_sign() {
        for text in ["0", "-0", "-0.0", "0e5", "-0.000000000000000000000", "0e99999999999999999999999"] {
            check(text, Some(0.0));
        }
    }

    /// Generates doubles, many of them halfway between two texts of 16 digits.
    fn any_double() -> impl Strategy<Value = f64> {
        let tie = (1_u32 << 21..1 << 22, any::<u32>())
            .prop_map(|(high, low)| f64::from(high) * 268_435_456.0 + f64::from(low >> 4) + f64::from(low % 8) / 8.0);
        prop_oneof![any::<f64>(), tie]
    }

    proptest! {
        #[test]
        fn what_a_double_prints_is_that_double(value in any_double()) {
            for text in [serde_json::to_string(&value).unwrap(), serde_json_canonicalizer::to_string(&value).unwrap()] {
                prop_assert_eq!(double(&text), Some(value), "{}", text);
            }
        }

        #[test]
        fn fifteen_digits_in_the_normal_range_pass(digits in -999_999_999_999_999_i64..=999_999_999_999_999, exponent in -290_i32..290) {
            let text = format!("{digits}e{exponent}");
            prop_assert_eq!(double(&text), text.parse::<f64>().ok());
        }
    }
}
