//! What code refers to outside itself: global names with the attributes read from them in a row,
//! and what its own imports bring in.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::PyCode;

use super::code::{Decoded, Instruction};
use super::graph::Refusal;
use super::opcodes::{Access, Operand, Role};

/// The outside names of a code object, with all code nested in it.
#[derive(Default)]
pub struct Uses {
    /// Global names, each with the attributes read from it in a row.
    pub globals: BTreeSet<Vec<String>>,
    /// The same for variables shared between functions.
    pub shared: BTreeSet<Vec<String>>,
    pub imports: BTreeSet<Import>,
    /// What the body itself imports into global names.
    pub imported: BTreeMap<String, BTreeSet<Import>>,
}

/// One use of something imported in the body.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Import {
    /// How many packages up, as in `from .. import`.
    pub level: u32,
    pub module: String,
    /// What is taken, in a row of attributes. They begin at the module itself, or for
    /// `import a.b`, which binds `a`, at its top package.
    pub chain: Vec<String>,
    pub from_top: bool,
}

/// What code objects use, by address; each is kept alive, so that its address stays its own.
type Known = HashMap<usize, (Py<PyCode>, Arc<Uses>)>;

static KNOWN: Mutex<Option<Known>> = Mutex::new(None);
/// How many are kept.
const KEPT: usize = 10_000;

/// The outside names of a code object and of all code nested in it. Code does not change, so it is
/// looked at once.
pub(super) fn uses(code: &Bound<'_, PyCode>) -> Result<Arc<Uses>, Refusal> {
    let address = code.as_ptr() as usize;
    let lock = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, uses)) = lock().as_ref().and_then(|known| known.get(&address)) {
        return Ok(uses.clone());
    }
    let mut found = Uses::default();
    collect(code, &mut found)?;
    let found = Arc::new(found);
    let mut known = lock();
    let known = known.get_or_insert_default();
    if known.len() >= KEPT {
        known.clear();
    }
    known.insert(address, (code.clone().unbind(), found.clone()));
    Ok(found)
}

fn collect(code: &Bound<'_, PyCode>, found: &mut Uses) -> Result<(), Refusal> {
    let decoded = Decoded::of(code)?;
    let shared = Scan::new(&decoded).run(found);
    for constant in &decoded.constants {
        if let Ok(nested) = constant.cast::<PyCode>() {
            collect(nested, found)?;
        }
    }
    for (variable, import) in shared {
        follow(&variable, &import, found);
    }
    Ok(())
}

/// Follows the attributes read from a variable that holds an import and is shared with inner
/// functions.
fn follow(variable: &str, import: &Import, found: &mut Uses) {
    let read: Vec<Vec<String>> = found
        .shared
        .iter()
        .filter(|chain| chain[0] == variable)
        .cloned()
        .collect();
    if read.is_empty() {
        found.imports.insert(import.clone());
    }
    for chain in read {
        let mut import = import.clone();
        import.chain.extend(chain.into_iter().skip(1));
        found.imports.insert(import);
    }
}

/// Functions that import a module by name.
const IMPORTERS: [&str; 2] = ["import_module", "__import__"];

struct Scan<'a, 'py> {
    code: &'a Decoded<'py>,
    /// Code units that are jumped to: a row of attributes ends before one.
    landings: HashSet<usize>,
    /// What locals were bound to by an import.
    bound: HashMap<u32, Import>,
    /// Imports in variables shared with inner functions.
    shared: Vec<(String, Import)>,
    /// Locals that are stored to in any other way.
    rebound: HashSet<u32>,
}

impl<'a, 'py> Scan<'a, 'py> {
    fn new(code: &'a Decoded<'py>) -> Self {
        let landings = code
            .instructions
            .iter()
            .filter_map(|at| code.jump(at))
            .collect();
        Self {
            code,
            landings,
            bound: HashMap::new(),
            shared: Vec::new(),
            rebound: HashSet::new(),
        }
    }

    /// Reads the code; gives the shared variables that hold imports.
    fn run(mut self, found: &mut Uses) -> Vec<(String, Import)> {
        let mut position = 0;
        while let Some(at) = self.code.instructions.get(position) {
            position = match self.code.role(at) {
                Role::Global => {
                    let mut chain = vec![self.code.name(at).to_owned()];
                    let next = self.attributes(position + 1, &mut chain);
                    self.import_by_name(&chain, next, found);
                    found.globals.insert(chain);
                    next
                }
                Role::Shared => {
                    let mut chain = vec![self.code.variables[at.argument as usize].clone()];
                    let next = self.attributes(position + 1, &mut chain);
                    self.import_by_name(&chain, next, found);
                    found.shared.insert(chain);
                    next
                }
                Role::StoreGlobal => {
                    // A hit does not assign it: what it is before must be what it is after the call.
                    found.globals.insert(vec![self.code.name(at).to_owned()]);
                    position + 1
                }
                Role::Import => self.import(position, found),
                Role::Locals(accesses) => {
                    for (local, access) in locals(at, accesses) {
                        if access == Access::Store {
                            self.rebound.insert(local);
                        }
                    }
                    position + 1
                }
                _ => position + 1,
            };
        }
        self.locals_used(found);
        self.shared
    }

    /// Adds the attributes read in a row from here; gives the position after them.
    fn attributes(&self, mut position: usize, chain: &mut Vec<String>) -> usize {
        while let Some(at) = self.code.instructions.get(position) {
            if self.code.role(at) != Role::Attribute || self.landings.contains(&at.unit) {
                break;
            }
            chain.push(self.code.name(at).to_owned());
            position += 1;
        }
        position
    }

    /// A call of an import function with a name written out is an import like any other.
    fn import_by_name(&self, chain: &[String], next: usize, found: &mut Uses) {
        let Some(importer) = chain
            .last()
            .filter(|name| IMPORTERS.contains(&name.as_str()))
        else {
            return;
        };
        let next = self.first_argument(next);
        let written_out = self.is_whole_argument(next);
        if let Some(name) = self.constant(Some(next))
            && let Ok(module) = name.extract::<String>()
            && !module.starts_with('.')
            && (written_out || importer == "__import__")
        {
            let from_top = false;
            found.imports.insert(Import {
                level: 0,
                module,
                chain: Vec::new(),
                from_top,
            });
        }
    }

    /// Where the arguments of a call begin: from 3.13 on, what stands for a missing `self` is put
    /// after the function, and before that in front of it.
    fn first_argument(&self, position: usize) -> usize {
        let prepares = |at: &Instruction| self.code.role(at) == Role::PrepareCall;
        position + usize::from(self.code.instructions.get(position).is_some_and(prepares))
    }

    /// Whether what is loaded here is the first argument of the call that follows, as it is: up to
    /// the call there are only loads, one for each other argument.
    fn is_whole_argument(&self, position: usize) -> bool {
        let mut loaded = 1;
        for at in self.code.instructions.iter().skip(position + 1) {
            match (self.code.role(at), self.code.operand(at)) {
                (Role::Call(more), _) => return at.argument + more == loaded,
                (Role::KeywordNames, _) => {}
                (Role::Global | Role::Locals([Access::Load]), _) | (_, Operand::Constant) => {
                    loaded += 1;
                }
                _ => return false,
            }
        }
        false
    }

    /// Reads one import statement; gives the position after it.
    fn import(&mut self, position: usize, found: &mut Uses) -> usize {
        let level = self
            .constant(position.checked_sub(2))
            .and_then(|level| level.extract().ok());
        let names = self.constant(position.checked_sub(1));
        let from = names.is_some_and(|names| !names.is_none());
        let whole = Import {
            level: level.unwrap_or(0),
            module: self.code.name(&self.code.instructions[position]).to_owned(),
            chain: Vec::new(),
            from_top: false,
        };
        let mut taken = None;
        let mut next = position + 1;
        while let Some(at) = self.code.instructions.get(next) {
            next += 1;
            match self.code.role(at) {
                Role::ImportFrom => taken = Some(self.code.name(at).to_owned()),
                Role::Shuffle if from && taken.is_none() => return next,
                Role::Shuffle => {}
                _ => {
                    let import = match (from, taken.take()) {
                        (true, Some(name)) => Import {
                            chain: vec![name],
                            ..whole.clone()
                        },
                        // `import a.b as c` takes `b` on its way to the module.
                        (false, Some(_)) | (true, None) => whole.clone(),
                        (false, None) => Import {
                            from_top: true,
                            ..whole.clone()
                        },
                    };
                    self.bind(at, import, found);
                    if !from {
                        return next;
                    }
                }
            }
        }
        next
    }

    fn constant(&self, position: Option<usize>) -> Option<Bound<'py, PyAny>> {
        let at = self.code.instructions.get(position?)?;
        match self.code.operand(at) {
            Operand::Constant => self.code.constants.get_item(at.argument as usize).ok(),
            // From 3.14 on, a small integer is its own operand.
            _ => Some(
                at.argument
                    .into_pyobject(self.code.constants.py())
                    .ok()?
                    .into_any(),
            ),
        }
    }

    /// Remembers a local that holds an import; stored anywhere else, it escapes whole.
    fn bind(&mut self, store: &Instruction, import: Import, found: &mut Uses) {
        let accesses = match self.code.role(store) {
            Role::Locals(accesses) => accesses,
            Role::StoreShared => {
                let variable = self.code.variables[store.argument as usize].clone();
                self.shared.push((variable, import));
                return;
            }
            role => {
                if role == Role::StoreGlobal {
                    let name = self.code.name(store).to_owned();
                    let brought = found.imported.entry(name).or_default();
                    brought.insert(import.clone());
                }
                found.imports.insert(import);
                return;
            }
        };
        let mut touched = locals(store, accesses).into_iter();
        if let Some((local, _)) = touched.next()
            && *self.bound.entry(local).or_insert_with(|| import.clone()) != import
        {
            self.rebound.insert(local);
            found.imports.insert(import);
        }
        if let Some((other, Access::Store)) = touched.next() {
            self.rebound.insert(other);
        }
    }

    /// Follows the attributes read from locals that hold an import, and from nothing else.
    fn locals_used(&self, found: &mut Uses) {
        let mut used = HashSet::new();
        for (position, at) in self.code.instructions.iter().enumerate() {
            let Role::Locals(accesses) = self.code.role(at) else {
                continue;
            };
            let touched = locals(at, accesses);
            let last = touched.len() - 1;
            for (i, (local, access)) in touched.into_iter().enumerate() {
                let Some(import) = self.bound.get(&local) else {
                    continue;
                };
                if access == Access::Store {
                    continue;
                }
                let mut import = import.clone();
                if i == last && !self.rebound.contains(&local) {
                    let next = self.attributes(position + 1, &mut import.chain);
                    self.import_by_name(&import.chain, next, found);
                }
                used.insert(local);
                found.imports.insert(import);
            }
        }
        // The others are imported for their effect.
        let unused = self
            .bound
            .iter()
            .filter(|(local, _)| !used.contains(*local));
        found
            .imports
            .extend(unused.map(|(_, import)| import.clone()));
    }
}

/// The locals an instruction accesses, in order.
fn locals(at: &Instruction, accesses: &[Access]) -> Vec<(u32, Access)> {
    match accesses {
        [one] => vec![(at.argument, *one)],
        [first, second] => vec![(at.argument >> 4, *first), (at.argument & 15, *second)],
        _ => Vec::new(),
    }
}
