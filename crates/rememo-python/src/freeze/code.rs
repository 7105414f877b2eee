//! Canonical encoding of code objects.
//!
//! Operands are resolved (constants by value, names by text, jumps by instruction number), and
//! what leaves no trace in behaviour is dropped: line tables, file names, docstrings, cache
//! entries, names of plain locals.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCode, PyString, PyTuple};
use rememo::{Folded, PartKind};

use super::graph::{Content, Identity, Options, Refusal, Scope, Subject, Target};
use super::opcodes::{Opcodes, Operand, Role, opcodes};
use super::reads::Reads;
use super::walk::{self, Children, Expansion, Step};
use super::{scalars, tag};

/// One instruction after decoding.
pub(super) struct Instruction {
    pub opcode: u8,
    pub argument: u32,
    /// Its first code unit, with what extends its argument.
    pub unit: usize,
    /// The code unit a jump is relative to.
    base: usize,
}

/// A code object with its instructions decoded.
pub(super) struct Decoded<'py> {
    pub table: &'py Opcodes,
    pub names: Vec<String>,
    /// Locals, then variables shared with inner functions, then those of the function around.
    pub variables: Vec<String>,
    pub constants: Bound<'py, PyTuple>,
    pub instructions: Vec<Instruction>,
}

/// Bits of `co_flags` that do not show: nested, without free variables, compiled under a future
/// statement, with a docstring.
const FLAGS_WITHOUT_MEANING: u32 = 0x10 | 0x40 | 0x1fe_0000 | 0x400_0000;
const VARIADIC: u32 = 0x04;
const KEYWORDS: u32 = 0x08;
const CODE_OF_FUNCTION: &str = "__code__";
/// Stored by the compiler in each class body.
const BOOKKEEPING: [&str; 2] = ["__firstlineno__", "__static_attributes__"];
impl<'py> Decoded<'py> {
    pub fn of(code: &Bound<'py, PyCode>) -> Result<Self, Refusal> {
        let table = opcodes(code.py())?;
        let raw = code.getattr("co_code")?.cast_into::<PyBytes>()?;
        Ok(Self {
            table,
            names: code.getattr("co_names")?.extract()?,
            variables: variables(code)?,
            constants: code.getattr("co_consts")?.cast_into::<PyTuple>()?,
            instructions: decode(raw.as_bytes(), table),
        })
    }

    pub fn role(&self, at: &Instruction) -> Role {
        self.table.roles[usize::from(at.opcode)]
    }

    pub fn operand(&self, at: &Instruction) -> Operand {
        self.table.operands[usize::from(at.opcode)]
    }

    /// The name an instruction is about.
    pub fn name(&self, at: &Instruction) -> &str {
        match self.operand(at) {
            Operand::Name(flags) => &self.names[(at.argument >> flags) as usize],
            _ => "",
        }
    }

    /// The code unit a jump goes to.
    pub fn jump(&self, at: &Instruction) -> Option<usize> {
        match self.operand(at) {
            Operand::JumpForward => Some(at.base + at.argument as usize),
            Operand::JumpBackward => at.base.checked_sub(at.argument as usize),
            _ => None,
        }
    }

    /// The number of the first instruction at or after a code unit.
    fn number_of(&self, unit: usize) -> usize {
        self.instructions.partition_point(|at| at.unit < unit)
    }

    /// Whether what an attribute gives is only asked for a part of it, as in `f.__code__.co_name`.
    fn takes_a_part(&self, position: usize) -> bool {
        self.instructions.get(position + 1).is_some_and(|next| {
            self.role(next) == Role::Attribute && self.name(next).starts_with("co_")
        })
    }

    /// Whether an instruction makes what a class body stores for the record only.
    fn is_for_the_record(&self, position: usize, options: &Options) -> bool {
        let Some(next) = self.instructions.get(position + 1) else {
            return false;
        };
        if self.role(next) != Role::StoreName {
            return false;
        }
        let name = self.name(next);
        BOOKKEEPING.contains(&name) || (name == "__doc__" && !options.reads.has(Reads::DOCS))
    }
}

/// The variables of a frame, in the order in which instructions number them.
fn variables(code: &Bound<'_, PyCode>) -> PyResult<Vec<String>> {
    let mut variables: Vec<String> = code.getattr("co_varnames")?.extract()?;
    let cells: Vec<String> = code.getattr("co_cellvars")?.extract()?;
    let free: Vec<String> = code.getattr("co_freevars")?.extract()?;
    let apart: Vec<String> = cells
        .into_iter()
        .filter(|cell| !variables.contains(cell))
        .collect();
    variables.extend(apart.into_iter().chain(free));
    Ok(variables)
}

fn decode(raw: &[u8], table: &Opcodes) -> Vec<Instruction> {
    let units = raw.as_chunks::<2>().0;
    let mut decoded = Vec::with_capacity(units.len());
    let mut high = 0;
    let mut first = None;
    for (unit, &[opcode, low]) in units.iter().enumerate() {
        let start = *first.get_or_insert(unit);
        let argument = high << 8 | u32::from(low);
        match table.roles[usize::from(opcode)] {
            Role::Extend => {
                high = argument;
                continue;
            }
            Role::Skip => {}
            _ => {
                // Cache entries are instructions of number zero.
                let caches = units[unit + 1..]
                    .iter()
                    .take_while(|next| next[0] == 0)
                    .count();
                let base = unit + 1 + caches;
                decoded.push(Instruction {
                    opcode,
                    argument,
                    unit: start,
                    base,
                });
            }
        }
        high = 0;
        first = None;
    }
    decoded
}

/// Writes the instructions; the children are the constants, in the order of their use.
pub(super) fn expand<'py>(
    code: &Bound<'py, PyCode>,
    options: &Options,
    content: &mut Content<'py>,
) -> Result<Expansion<'py>, Refusal> {
    let decoded = Decoded::of(code)?;
    options
        .reads_met
        .set(options.reads_met.get().with(reads(&decoded)));
    if options.config.ignores_code(code)? {
        content.encoder.tag(tag::LEFT_OUT);
        let name = code.getattr("co_name")?.extract::<String>()?;
        content.encoder.str(&name);
        return Ok(Expansion {
            children: Children::Some(Vec::new()),
            ordered: true,
        });
    }
    content.encoder.tag(tag::CODE);
    content.encoder.tag(decoded.table.minor);
    shape(code, options.reads, content)?;
    let constants = instructions(&decoded, options, content)?;
    handlers(code, &decoded, content)?;
    Ok(Expansion {
        children: Children::Some(constants),
        ordered: true,
    })
}

/// Encodings of code objects, by address and by what counts of them, with what the code reads; each
/// code object is kept alive, so that its address stays its own.
type Known = HashMap<(usize, Reads), (Py<PyCode>, Folded, Reads)>;

static KNOWN: Mutex<Option<Known>> = Mutex::new(None);
/// How many are kept.
const KEPT: usize = 10_000;

/// Encodes the code of a function. Code does not change, so it is looked at once.
pub(super) fn encode<'py>(
    code: &Bound<'py, PyCode>,
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<(), Refusal> {
    content.refer(interpreter(opcodes(code.py())?));
    let key = (code.as_ptr() as usize, scope.options.reads);
    let lock = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = lock().as_ref().and_then(|known| {
        known
            .get(&key)
            .map(|(_, folded, reads)| (folded.clone(), *reads))
    });
    let (folded, reads) = if let Some(known) = known {
        known
    } else {
        let options = Options {
            reads: scope.options.reads,
            ..Options::default()
        };
        let mut apart = Content::default();
        walk::encode(
            code.as_any(),
            Scope {
                options: &options,
                path: scope.path,
            },
            &mut apart,
        )?;
        let closed = apart.close();
        scope
            .options
            .reads_met
            .set(scope.options.reads_met.get().with(options.reads_met.get()));
        if closed.refers() {
            // Code made by hand may have anything for a constant.
            content.absorb(&closed);
            return Ok(());
        }
        let fresh = (closed.folded, options.reads_met.get());
        let mut known = lock();
        let known = known.get_or_insert_default();
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(key, (code.clone().unbind(), fresh.0.clone(), fresh.1));
        fresh
    };
    content.encoder.folded(&folded);
    scope
        .options
        .reads_met
        .set(scope.options.reads_met.get().with(reads));
    Ok(())
}

/// Encodes code that does not count: by its name. What it reads about code counts all the same.
pub(super) fn encode_name<'py>(
    code: &Bound<'py, PyCode>,
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<(), Refusal> {
    encode(code, scope, &mut Content::default())?;
    content.refer(interpreter(opcodes(code.py())?));
    let name = code.getattr("co_name")?.extract::<String>()?;
    content.encoder.str(&name);
    Ok(())
}

/// The part that stands for the interpreter: its bytecode, and what its built-ins do.
fn interpreter<'py>(table: &Opcodes) -> Target<'py> {
    Target {
        identity: Identity::Library(String::new()),
        subject: Subject::Library {
            version: table.interpreter.clone(),
        },
        name: "python".to_owned(),
        kind: PartKind::Interpreter,
        path: "python".to_owned(),
    }
}

fn instructions<'py>(
    decoded: &Decoded<'py>,
    options: &Options,
    content: &mut Content<'py>,
) -> Result<Vec<(Step<'py>, Bound<'py, PyAny>)>, Refusal> {
    let mut constants = Vec::new();
    content.encoder.len(decoded.instructions.len());
    for (position, at) in decoded.instructions.iter().enumerate() {
        if decoded.is_for_the_record(position, options) {
            content.encoder.tag(0);
            continue;
        }
        let opcode = decoded.table.plain[usize::from(at.opcode)];
        content.encoder.tag(opcode);
        match decoded.operand(at) {
            Operand::Constant => {
                constants.push((
                    Step::Inside,
                    decoded.constants.get_item(at.argument as usize)?,
                ));
            }
            Operand::Name(flags) => {
                content.encoder.str(decoded.name(at));
                content
                    .encoder
                    .u64(u64::from(at.argument & ((1 << flags) - 1)));
            }
            Operand::JumpForward | Operand::JumpBackward => {
                let unit = decoded.jump(at).unwrap_or_default();
                content.encoder.len(decoded.number_of(unit));
            }
            Operand::Raw => content.encoder.u64(u64::from(at.argument)),
        }
    }
    Ok(constants)
}

/// What code reads about code: by an attribute, by a function for it, or by a name in a text. A
/// class body names `__doc__` to store it, and `__name__` to keep it, which is not reading.
fn reads(decoded: &Decoded<'_>) -> Reads {
    let mut found = Reads::default();
    for (position, at) in decoded.instructions.iter().enumerate() {
        let role = decoded.role(at);
        let name = decoded.name(at);
        let stores = matches!(role, Role::StoreName | Role::StoreGlobal);
        if role == Role::Attribute || !stores && !name.starts_with("__") {
            found = found.with(Reads::by(name));
        }
        if name == CODE_OF_FUNCTION && role == Role::Attribute && !decoded.takes_a_part(position) {
            found = found.with(Reads::CODE);
        }
    }
    for constant in &decoded.constants {
        if let Ok(text) = constant.cast::<PyString>() {
            let text = text.to_string_lossy();
            found = found.with(Reads::by(&text));
            if text == CODE_OF_FUNCTION {
                found = found.with(Reads::CODE);
            }
        }
    }
    found
}

/// Argument counts and names, how much is captured, and flags. Names of locals are numbers to the
/// code: they count where something reads them.
fn shape(code: &Bound<'_, PyCode>, reads: Reads, content: &mut Content<'_>) -> PyResult<()> {
    let number = |name: &str| code.getattr(name)?.extract::<u32>();
    let strings = |name: &str| code.getattr(name)?.extract::<Vec<String>>();
    let encoder = &mut content.encoder;
    let flags = number("co_flags")?;
    let mut arguments = number("co_argcount")? + number("co_kwonlyargcount")?;
    encoder.u64(u64::from(number("co_argcount")?));
    encoder.u64(u64::from(number("co_posonlyargcount")?));
    encoder.u64(u64::from(number("co_kwonlyargcount")?));
    encoder.u64(u64::from(flags & !FLAGS_WITHOUT_MEANING));
    arguments += u32::from(flags & VARIADIC != 0) + u32::from(flags & KEYWORDS != 0);
    let names = ["co_varnames", "co_cellvars", "co_freevars"].map(strings);
    for (names, shown) in names.into_iter().zip([arguments as usize, 0, 0]) {
        let names = names?;
        let shown = if reads.has(Reads::LOCALS) {
            names.len()
        } else {
            names.len().min(shown)
        };
        encoder.len(names.len());
        encoder.len(shown);
        for name in &names[..shown] {
            encoder.str(name);
        }
    }
    if reads.has(Reads::DOCS) {
        // The documentation of a function is its first constant, if it has one.
        if let Ok(first) = code.getattr("co_consts")?.get_item(0) {
            scalars::encode(&first, encoder)?;
        }
    }
    if reads.has(Reads::NAMES) {
        encoder.str(&code.getattr("co_name")?.extract::<String>()?);
        encoder.str(&code.getattr("co_qualname")?.extract::<String>()?);
    }
    if reads.has(Reads::SOURCE) {
        encoder.str(&code.getattr("co_filename")?.extract::<String>()?);
        encoder.u64(code.getattr("co_firstlineno")?.extract()?);
        let lines = code.getattr("co_linetable")?.cast_into::<PyBytes>()?;
        encoder.bytes(lines.as_bytes());
        let constants = code.getattr("co_consts")?.cast_into::<PyTuple>()?;
        encoder.len(constants.len());
        for constant in &constants {
            if !scalars::encode(&constant, encoder)? {
                encoder.tag(0);
            }
        }
    }
    Ok(())
}

/// The exception table, in instruction numbers; its format is in `InternalDocs/exception_handling`
/// of the interpreter's source.
fn handlers(
    code: &Bound<'_, PyCode>,
    decoded: &Decoded<'_>,
    content: &mut Content<'_>,
) -> Result<(), Refusal> {
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
            content.encoder.len(decoded.number_of(unit));
        }
        content.encoder.len(depth);
    }
    Ok(())
}
