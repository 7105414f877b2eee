//! Canonical encoding of code objects, and the names they use.
//!
//! Operands are resolved (constants by value, names by text, jumps by instruction number), and
//! what leaves no trace in behaviour is dropped: line tables, file names, docstrings, cache
//! entries, names of plain locals. See section 4 of the encoding notes for why each is in or out.

use std::collections::BTreeSet;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCode, PyTuple};

use super::graph::{Content, Graph, Unfreezable};
use super::opcodes::{Opcodes, Operand, Role, opcodes};
use super::values::tag;

/// One instruction after decoding.
struct Instruction {
    opcode: u8,
    argument: u32,
    /// The code unit a jump is relative to.
    base: usize,
    first_unit: usize,
}

/// What a code object, with the code nested in it, refers to outside itself.
#[derive(Default)]
pub(super) struct Uses {
    /// Global names, each with the attributes read from it in a row.
    pub chains: BTreeSet<Vec<String>>,
    /// Imports made in the body: level, module, and the name taken from it.
    pub imports: BTreeSet<(u32, String, Option<String>)>,
}

const FLAGS_WITHOUT_MEANING: u32 = 0x10 | 0x40 | 0x400_0000;
const BOOKKEEPING: [&str; 2] = ["__firstlineno__", "__static_attributes__"];

/// Collects the outside names of a code object and of all code nested in it.
pub(super) fn uses(code: &Bound<'_, PyCode>, found: &mut Uses) -> PyResult<()> {
    let py = code.py();
    let table = opcodes(py)?;
    let names: Vec<String> = code.getattr("co_names")?.extract()?;
    let constants = code.getattr("co_consts")?.cast_into::<PyTuple>()?;
    let instructions = decode(code, table)?;
    let targets = jump_targets(&instructions, table);
    let mut i = 0;
    while i < instructions.len() {
        let at = &instructions[i];
        match table.role[usize::from(at.opcode)] {
            Role::Global => {
                let mut chain = vec![name(&names, at, table)];
                while let Some(next) = instructions.get(i + 1) {
                    let attribute = table.role[usize::from(next.opcode)] == Role::Attribute;
                    if !attribute || targets.contains(&next.first_unit) {
                        break;
                    }
                    chain.push(name(&names, next, table));
                    i += 1;
                }
                found.chains.insert(chain);
            }
            Role::Import => {
                let level = i
                    .checked_sub(2)
                    .and_then(|j| constant(&constants, &instructions[j], table))
                    .and_then(|level| level.extract().ok())
                    .unwrap_or(0);
                let module = name(&names, at, table);
                let mut taken = false;
                for next in &instructions[i + 1..] {
                    match table.role[usize::from(next.opcode)] {
                        Role::ImportFrom => {
                            let from = Some(name(&names, next, table));
                            found.imports.insert((level, module.clone(), from));
                            taken = true;
                        }
                        Role::StoreLocal | Role::StoreName if taken => {}
                        _ => break,
                    }
                }
                if !taken {
                    found.imports.insert((level, module, None));
                }
            }
            _ => {}
        }
        i += 1;
    }
    for constant in constants {
        if let Ok(nested) = constant.cast::<PyCode>() {
            uses(nested, found)?;
        }
    }
    Ok(())
}

fn name(names: &[String], at: &Instruction, table: &Opcodes) -> String {
    match table.operand[usize::from(at.opcode)] {
        Operand::Name { shift } => names[(at.argument >> shift) as usize].clone(),
        _ => String::new(),
    }
}

fn constant<'py>(
    constants: &Bound<'py, PyTuple>,
    at: &Instruction,
    table: &Opcodes,
) -> Option<Bound<'py, PyAny>> {
    match table.operand[usize::from(at.opcode)] {
        Operand::Constant => constants.get_item(at.argument as usize).ok(),
        // Small integers are operands themselves from 3.14 on.
        _ => at
            .argument
            .into_pyobject(constants.py())
            .ok()
            .map(Bound::into_any),
    }
}

fn decode(code: &Bound<'_, PyCode>, table: &Opcodes) -> PyResult<Vec<Instruction>> {
    let raw = code.getattr("co_code")?.cast_into::<PyBytes>()?;
    let units = raw.as_bytes().as_chunks::<2>().0;
    let mut decoded = Vec::with_capacity(units.len());
    let mut high = 0;
    let mut first_unit = None;
    for (unit, &[opcode, low]) in units.iter().enumerate() {
        let start = *first_unit.get_or_insert(unit);
        let argument = high << 8 | u32::from(low);
        match table.role[usize::from(opcode)] {
            Role::Extend => {
                high = argument;
                continue;
            }
            Role::Skip => {}
            _ => {
                let caches = units[unit + 1..]
                    .iter()
                    .take_while(|next| next[0] == 0)
                    .count();
                let base = unit + 1 + caches;
                decoded.push(Instruction {
                    opcode,
                    argument,
                    base,
                    first_unit: start,
                });
            }
        }
        high = 0;
        first_unit = None;
    }
    Ok(decoded)
}

fn jump(at: &Instruction, table: &Opcodes) -> Option<usize> {
    match table.operand[usize::from(at.opcode)] {
        Operand::JumpForward => Some(at.base + at.argument as usize),
        Operand::JumpBackward => at.base.checked_sub(at.argument as usize),
        _ => None,
    }
}

fn jump_targets(instructions: &[Instruction], table: &Opcodes) -> BTreeSet<usize> {
    instructions
        .iter()
        .filter_map(|at| jump(at, table))
        .collect()
}

/// The number of the first kept instruction at or after a code unit.
fn number_of(instructions: &[Instruction], unit: usize) -> usize {
    instructions.partition_point(|at| at.first_unit < unit)
}

impl<'py> Graph<'py> {
    /// Encodes a code object and the code nested in it.
    pub(super) fn code(
        &mut self,
        code: &Bound<'py, PyCode>,
        path: &str,
        content: &mut Content<'py>,
    ) -> Result<(), Unfreezable> {
        let raised = |error: PyErr| Unfreezable::raised(path, &error);
        let table = opcodes(self.py).map_err(raised)?;
        content.encoder.tag(tag::CODE);
        content.encoder.str(&table.interpreter);
        encode_shape(code, content).map_err(raised)?;
        let names: Vec<String> = code
            .getattr("co_names")
            .and_then(|names| names.extract())
            .map_err(raised)?;
        if names.iter().any(|name| name == "__doc__") && !is_class_body(&names) {
            self.reads_docs = true;
        }
        let constants = code.getattr("co_consts").map_err(raised)?;
        let constants = constants
            .cast_into::<PyTuple>()
            .map_err(|e| raised(e.into()))?;
        let instructions = decode(code, table).map_err(raised)?;
        content.encoder.len(instructions.len());
        for (i, at) in instructions.iter().enumerate() {
            let stored = instructions
                .get(i + 1)
                .filter(|next| table.role[usize::from(next.opcode)] == Role::StoreName);
            let stored = stored.map(|next| name(&names, next, table));
            if self.is_bookkeeping(stored.as_deref()) {
                content.encoder.tag(tag::NONE);
                continue;
            }
            content.encoder.tag(at.opcode);
            match table.operand[usize::from(at.opcode)] {
                Operand::Constant => {
                    let value = constants.get_item(at.argument as usize).map_err(raised)?;
                    self.value(&value, path, content)?;
                }
                Operand::Name { shift } => {
                    content.encoder.str(&name(&names, at, table));
                    content
                        .encoder
                        .u64(u64::from(at.argument & ((1 << shift) - 1)));
                }
                Operand::JumpForward | Operand::JumpBackward => {
                    let unit = jump(at, table).unwrap_or_default();
                    content.encoder.len(number_of(&instructions, unit));
                }
                Operand::Raw => content.encoder.u64(u64::from(at.argument)),
            }
        }
        encode_handlers(code, &instructions, content).map_err(raised)
    }

    /// Whether what is stored under this name in a class body is documentation or line numbers.
    fn is_bookkeeping(&self, stored: Option<&str>) -> bool {
        stored.is_some_and(|name| {
            BOOKKEEPING.contains(&name) || (name == "__doc__" && !self.reads_docs)
        })
    }
}

fn is_class_body(names: &[String]) -> bool {
    names.iter().any(|name| name == "__qualname__") && names.iter().any(|n| n == "__module__")
}

/// Argument counts and names, captured names and flags.
fn encode_shape(code: &Bound<'_, PyCode>, content: &mut Content<'_>) -> PyResult<()> {
    let mut counts = [0_u64; 3];
    for (i, field) in ["co_argcount", "co_posonlyargcount", "co_kwonlyargcount"]
        .iter()
        .enumerate()
    {
        counts[i] = code.getattr(*field)?.extract()?;
        content.encoder.u64(counts[i]);
    }
    let flags: u32 = code.getattr("co_flags")?.extract()?;
    content
        .encoder
        .u64(u64::from(flags & !FLAGS_WITHOUT_MEANING));
    let arguments = counts[0] + counts[2] + u64::from(flags & 4 != 0) + u64::from(flags & 8 != 0);
    let locals: Vec<String> = code.getattr("co_varnames")?.extract()?;
    let arguments = usize::try_from(arguments)
        .unwrap_or(usize::MAX)
        .min(locals.len());
    let cells: Vec<String> = code.getattr("co_cellvars")?.extract()?;
    let free: Vec<String> = code.getattr("co_freevars")?.extract()?;
    for names in [&locals[..arguments], &cells, &free] {
        content.encoder.len(names.len());
        names.iter().for_each(|name| content.encoder.str(name));
    }
    content.encoder.len(locals.len());
    // Names of plain locals can be observed only through these.
    let names: Vec<String> = code.getattr("co_names")?.extract()?;
    if names
        .iter()
        .any(|n| matches!(n.as_str(), "locals" | "vars" | "dir" | "eval" | "exec"))
    {
        locals.iter().for_each(|name| content.encoder.str(name));
    }
    Ok(())
}

/// The exception table, in instruction numbers. Format: `Objects/exception_handling_notes.txt`
/// of CPython.
fn encode_handlers(
    code: &Bound<'_, PyCode>,
    instructions: &[Instruction],
    content: &mut Content<'_>,
) -> PyResult<()> {
    let table = code.getattr("co_exceptiontable")?.cast_into::<PyBytes>()?;
    let mut bytes = table.as_bytes().iter();
    let mut number = || -> Option<usize> {
        let mut byte = *bytes.next()?;
        let mut value = usize::from(byte & 63);
        while byte & 64 != 0 {
            byte = *bytes.next()?;
            value = value << 6 | usize::from(byte & 63);
        }
        Some(value)
    };
    while let (Some(start), Some(length), Some(handler), Some(depth)) =
        (number(), number(), number(), number())
    {
        for unit in [start, start + length, handler] {
            content.encoder.len(number_of(instructions, unit));
        }
        content.encoder.len(depth);
    }
    Ok(())
}
