//! An error with what caused it, in one line.

use std::{error::Error, fmt};

/// Shows an error and its sources, each after a colon.
pub fn report(error: &(dyn Error + 'static)) -> impl fmt::Display {
    fmt::from_fn(move |f| {
        write!(f, "{error}")?;
        let mut source = error.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    })
}
