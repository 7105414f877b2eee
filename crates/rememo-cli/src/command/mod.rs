//! The commands, one in each file.

pub mod accept;
pub mod config;
pub mod diff;
pub mod doctor;
pub mod export;
pub mod gc;
pub mod impact;
pub mod import;
pub mod ls;
pub mod pin;
pub mod report;
pub mod rm;
pub mod shell;
pub mod show;
pub mod stats;
pub mod summary;
pub mod verify;
pub mod why;
