//! The running interpreter's own opcode tables, read once from its `opcode` module.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// How one opcode's argument is to be read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Operand {
    Raw,
    Constant,
    /// A name's index, above this many bits of flags.
    Name(u32),
    JumpForward,
    JumpBackward,
}

/// What an opcode does to the names a function uses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Other,
    /// Leaves no trace in behaviour.
    Skip,
    Extend,
    Global,
    /// Reads a variable shared between functions.
    Shared,
    StoreShared,
    Attribute,
    Import,
    ImportFrom,
    StoreName,
    StoreGlobal,
    /// Calls what is below its arguments, whose number is its own argument; with how many values
    /// more it takes.
    Call(u32),
    /// Makes room for a missing `self` in a call.
    PrepareCall,
    /// Says which of the arguments are given by keyword.
    KeywordNames,
    /// Between an import and the store of what it brought: moves the stack only.
    Shuffle,
    /// Reads or writes locals: one, or two in one instruction.
    Locals(&'static [Access]),
}

/// One access to a local variable.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Load,
    Store,
}

/// The table of all opcodes.
pub(super) struct Opcodes {
    pub operands: Vec<Operand>,
    pub roles: Vec<Role>,
    /// For each, the one that does the same, if another does; else itself.
    pub plain: Vec<u8>,
    /// The interpreter's name and full version.
    pub interpreter: String,
    /// Its minor version: bytecode of another has another meaning.
    pub minor: u8,
}

static TABLE: PyOnceLock<Opcodes> = PyOnceLock::new();

/// The table of the running interpreter.
pub(super) fn opcodes(py: Python<'_>) -> PyResult<&Opcodes> {
    if let Some(table) = TABLE.get(py) {
        return Ok(table);
    }
    // Read first and kept afterwards: reading runs Python, where a fork may happen.
    let table = read(py)?;
    Ok(TABLE.get_or_init(py, || table))
}

fn read(py: Python<'_>) -> PyResult<Opcodes> {
    let module = py.import("opcode")?;
    let names: Vec<String> = module.getattr("opname")?.extract()?;
    let numbers = |list: &str| module.getattr(list)?.extract::<Vec<usize>>();
    let minor = py.version_info().minor;
    let mut operands = vec![Operand::Raw; names.len()];
    for code in numbers("hasconst")? {
        operands[code] = Operand::Constant;
    }
    for code in numbers("hasname")? {
        operands[code] = Operand::Name(flag_bits(&names[code], minor));
    }
    for code in numbers("hasjrel")? {
        // A jump from 3.14 on.
        let backward = names[code].contains("BACKWARD") || names[code] == "END_ASYNC_FOR";
        operands[code] = if backward {
            Operand::JumpBackward
        } else {
            Operand::JumpForward
        };
    }
    let roles = names.iter().map(|name| role(name)).collect();
    let plain = (0..=u8::MAX)
        .zip(&names)
        .map(|(code, name)| plain(name, &names).unwrap_or(code))
        .collect();
    let implementation = py
        .import("sys")?
        .getattr("implementation")?
        .getattr("name")?;
    let version = py.version_info();
    let interpreter = format!(
        "{implementation} {}.{}.{}",
        version.major, version.minor, version.patch
    );
    Ok(Opcodes {
        operands,
        roles,
        plain,
        interpreter,
        minor,
    })
}

/// The opcode that does what another does. From 3.14 on, whether a local is borrowed or not follows
/// from the code around it, dead code among that.
fn plain(name: &str, names: &[String]) -> Option<u8> {
    let plain = name.replace("LOAD_FAST_BORROW", "LOAD_FAST");
    let code = names.iter().position(|name| *name == plain)?;
    u8::try_from(code).ok()
}

/// How many low bits of a name operand are flags.
fn flag_bits(name: &str, minor: u8) -> u32 {
    match name {
        "LOAD_GLOBAL" => 1,
        "LOAD_ATTR" if minor >= 12 => 1,
        "LOAD_SUPER_ATTR" => 2,
        _ => 0,
    }
}

fn role(name: &str) -> Role {
    use Access::{Load, Store};
    match name {
        "NOP" | "CACHE" | "RESUME" => Role::Skip,
        "EXTENDED_ARG" => Role::Extend,
        "LOAD_GLOBAL" | "LOAD_NAME" | "LOAD_FROM_DICT_OR_GLOBALS" => Role::Global,
        "LOAD_DEREF" | "LOAD_CLASSDEREF" | "LOAD_FROM_DICT_OR_DEREF" => Role::Shared,
        "LOAD_ATTR" | "LOAD_METHOD" | "STORE_ATTR" | "DELETE_ATTR" => Role::Attribute,
        "STORE_DEREF" => Role::StoreShared,
        "IMPORT_NAME" => Role::Import,
        "IMPORT_FROM" => Role::ImportFrom,
        "STORE_NAME" => Role::StoreName,
        "STORE_GLOBAL" | "DELETE_GLOBAL" => Role::StoreGlobal,
        "PUSH_NULL" => Role::PrepareCall,
        "PRECALL" | "CALL" => Role::Call(0),
        "CALL_KW" => Role::Call(1),
        "KW_NAMES" => Role::KeywordNames,
        "SWAP" | "POP_TOP" => Role::Shuffle,
        "STORE_FAST" | "DELETE_FAST" => Role::Locals(&[Store]),
        "STORE_FAST_STORE_FAST" => Role::Locals(&[Store, Store]),
        "STORE_FAST_LOAD_FAST" => Role::Locals(&[Store, Load]),
        _ if name.starts_with("LOAD_FAST") && name.matches("LOAD_FAST").count() == 2 => {
            Role::Locals(&[Load, Load])
        }
        _ if name.starts_with("LOAD_FAST") => Role::Locals(&[Load]),
        _ => Role::Other,
    }
}
