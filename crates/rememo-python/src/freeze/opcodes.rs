//! The running interpreter's own opcode tables, read once from its `opcode` module.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// How one opcode's argument is to be read.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub enum Operand {
    #[default]
    Raw,
    Constant,
    Name {
        shift: u32,
    },
    JumpForward,
    JumpBackward,
}

/// What an opcode does to the names a function uses.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub enum Role {
    #[default]
    Other,
    /// Leaves no trace in behaviour.
    Skip,
    Extend,
    Global,
    Attribute,
    Import,
    ImportFrom,
    StoreName,
    StoreLocal,
    LoadLocal,
}

/// The table of all opcodes.
pub struct Opcodes {
    pub operand: Vec<Operand>,
    pub role: Vec<Role>,
    /// The interpreter's name and full version.
    pub interpreter: String,
}

static TABLE: PyOnceLock<Opcodes> = PyOnceLock::new();

/// The table of the running interpreter.
pub fn opcodes(py: Python<'_>) -> PyResult<&Opcodes> {
    TABLE.get_or_try_init(py, || read(py))
}

fn read(py: Python<'_>) -> PyResult<Opcodes> {
    let opcode = py.import("opcode")?;
    let names: Vec<String> = opcode.getattr("opname")?.extract()?;
    let constants: Vec<usize> = opcode.getattr("hasconst")?.extract()?;
    let named: Vec<usize> = opcode.getattr("hasname")?.extract()?;
    let jumps: Vec<usize> = opcode.getattr("hasjrel")?.extract()?;
    let minor = py.version_info().minor;
    let mut operands = vec![Operand::Raw; names.len()];
    for code in constants {
        operands[code] = Operand::Constant;
    }
    for code in named {
        operands[code] = Operand::Name {
            shift: name_shift(&names[code], minor),
        };
    }
    for code in jumps {
        let backward = names[code].contains("BACKWARD");
        operands[code] = if backward {
            Operand::JumpBackward
        } else {
            Operand::JumpForward
        };
    }
    let roles = names.iter().map(|name| role(name)).collect();
    let implementation: String = py
        .import("sys")?
        .getattr("implementation")?
        .getattr("name")?
        .extract()?;
    let version = py.version_info();
    let interpreter = format!(
        "{implementation} {}.{}.{}",
        version.major, version.minor, version.patch
    );
    Ok(Opcodes {
        operand: operands,
        role: roles,
        interpreter,
    })
}

/// How many low bits of a name operand are flags.
fn name_shift(name: &str, minor: u8) -> u32 {
    match name {
        "LOAD_GLOBAL" => 1,
        "LOAD_ATTR" if minor >= 12 => 1,
        "LOAD_SUPER_ATTR" => 2,
        _ => 0,
    }
}

fn role(name: &str) -> Role {
    match name {
        "NOP" | "CACHE" | "RESUME" => Role::Skip,
        "EXTENDED_ARG" => Role::Extend,
        "LOAD_GLOBAL" | "LOAD_NAME" | "LOAD_FROM_DICT_OR_GLOBALS" => Role::Global,
        "LOAD_ATTR" | "LOAD_METHOD" | "STORE_ATTR" | "DELETE_ATTR" => Role::Attribute,
        "IMPORT_NAME" => Role::Import,
        "IMPORT_FROM" => Role::ImportFrom,
        "STORE_NAME" | "STORE_GLOBAL" => Role::StoreName,
        "STORE_FAST" => Role::StoreLocal,
        "LOAD_FAST" | "LOAD_FAST_CHECK" => Role::LoadLocal,
        _ => Role::Other,
    }
}
