//! The length of a bar: `1`, `5`, `15`, `30`, `60`, `D`, `W` or `M` on the wire.

use std::{fmt, str::FromStr};

/// Length of a bar: minutes, or `D` a day, `W` a week, `M` a month.
#[topicast::data]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Resolution {
    /// One minute.
    #[default]
    #[serde(rename = "1")]
    M1,
    /// Five minutes.
    #[serde(rename = "5")]
    M5,
    /// A quarter of an hour.
    #[serde(rename = "15")]
    M15,
    /// Half an hour.
    #[serde(rename = "30")]
    M30,
    /// An hour.
    #[serde(rename = "60")]
    M60,
    /// A day, from 00:00 UTC.
    #[serde(rename = "D")]
    Day,
    /// A week, from Monday 00:00 UTC.
    #[serde(rename = "W")]
    Week,
    /// A month, from its first day, 00:00 UTC.
    #[serde(rename = "M")]
    Month,
}

impl Resolution {
    /// Every resolution, the shortest first.
    pub const ALL: [Self; 8] =
        [Self::M1, Self::M5, Self::M15, Self::M30, Self::M60, Self::Day, Self::Week, Self::Month];

    /// All names, for messages.
    pub const NAMES: &'static str = "1, 5, 15, 30, 60, D, W, M";

    /// Returns the name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::M1 => "1",
            Self::M5 => "5",
            Self::M15 => "15",
            Self::M30 => "30",
            Self::M60 => "60",
            Self::Day => "D",
            Self::Week => "W",
            Self::Month => "M",
        }
    }
}

impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// An error for a text that is not a resolution.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a resolution; allowed are {names}", names = Resolution::NAMES)]
pub struct UnknownResolution(String);

impl FromStr for Resolution {
    type Err = UnknownResolution;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|resolution| resolution.as_str() == text)
            .ok_or_else(|| UnknownResolution(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_wire() {
        for resolution in Resolution::ALL {
            let wire = serde_json::to_string(&resolution).expect("a resolution is JSON");
            assert_eq!(wire, format!("\"{resolution}\""));
            assert_eq!(serde_json::from_str::<Resolution>(&wire).expect("its own name"), resolution);
            assert_eq!(resolution.as_str().parse(), Ok(resolution));
        }
        assert_eq!(Resolution::ALL.map(Resolution::as_str).join(", "), Resolution::NAMES);
    }

    #[test]
    fn others_are_refused() {
        for text in ["7", "", "d", "01", " 1", "1D"] {
            let error = text.parse::<Resolution>().expect_err("not a resolution");
            assert_eq!(
                error.to_string(),
                format!("`{text}` is not a resolution; allowed are 1, 5, 15, 30, 60, D, W, M")
            );
        }
    }
}
