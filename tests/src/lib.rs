//! The test kit of the workspace.

pub mod documents;
