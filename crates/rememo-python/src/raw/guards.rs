//! Guards: what a fingerprint was made of, by identity, in a form that is quickly compared.
//!
//! A dictionary is told by its version; where that differs, or there is none, by the keys that were
//! read. A class is told by its version tag, which a change of it or of a base takes away. Functions
//! and cells are told by the pointers they hold. Everything that is compared is kept alive, so that no
//! address comes to mean something else.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::ptr;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFunction, PyList, PyString, PyType};

use super::namespaces::{attributes_of, defaults_of};
use super::versions::{DictVersion, assign_version, version_tag};

type Object = *mut ffi::PyObject;

/// Whether a dictionary is as it was: under some keys, or in all and in that order.
#[derive(Debug)]
struct DictGuard {
    dict: Object,
    version: DictVersion,
    /// The version at which it was last found so.
    known_at: Cell<u64>,
    /// Whether its version tells: that of an instance's need not, for values may lie in the
    /// instance itself.
    versioned: bool,
    /// Keys that were looked up, and what was there.
    slots: Vec<(Object, Object)>,
    /// All keys and values in order, where all of it counts.
    items: Option<Vec<(Object, Object)>>,
}

/// What a call of a function shows of it. A closure can't be replaced, only what its cells hold.
#[derive(Debug)]
struct FunctionGuard {
    function: *mut ffi::PyFunctionObject,
    code: Object,
    defaults: Object,
    keyword_defaults: Object,
    attributes: Object,
}

/// What code can read of a function without calling it: its module, names, documentation and
/// annotations, and what makes these, null where nothing does, as up to 3.13.
type Description = [Object; 6];

/// Everything that must be as it was.
#[derive(Debug, Default)]
pub struct Guards {
    dicts: Vec<DictGuard>,
    functions: Vec<FunctionGuard>,
    described: Vec<(*mut ffi::PyFunctionObject, Description)>,
    cells: Vec<(Object, Object)>,
    lists: Vec<(Object, Vec<Object>)>,
    /// Objects, and their classes.
    instances: Vec<(Object, Object)>,
    /// Objects, names of members of their structures, and what these hold.
    members: Vec<(Object, Object, Object)>,
    /// Objects, what reads a slot of theirs, and what it holds.
    slots: Vec<(Object, Object, Object)>,
    classes: Vec<(Object, u32)>,
    /// Classes made while running, and their names, which their versions do not tell.
    names: Vec<(Object, [Object; 2])>,
    /// What `abc` counts up with every registration, if a class depends on one.
    registrations: Option<Object>,
    kept: Vec<Py<PyAny>>,
}

impl Guards {
    /// Whether everything is as it was. Runs no Python code.
    pub fn hold(&self, py: Python<'_>) -> bool {
        self.functions.iter().all(FunctionGuard::holds)
            && self
                .described
                .iter()
                .all(|(function, described)| description(*function) == *described)
            && self.cells.iter().all(|(cell, content)| {
                // SAFETY: the cell is kept alive, and was a cell when it was recorded.
                unsafe { (*cell.cast::<ffi::PyCellObject>()).ob_ref == *content }
            })
            && self.instances.iter().all(|(object, class)| {
                // SAFETY: the object is kept alive.
                unsafe { ffi::Py_TYPE(*object).cast() == *class }
            })
            && self
                .lists
                .iter()
                .all(|(list, items)| has_items(*list, items))
            && self.slots.iter().all(|(object, slot, expected)| {
                // SAFETY: both are kept alive.
                unsafe { read_slot(py, *object, *slot) == *expected }
            })
            && self.members.iter().all(|member| member_holds(py, *member))
            && self
                .classes
                .iter()
                .all(|(class, tag)| version_tag(*class) == *tag)
            && self
                .names
                .iter()
                .all(|(class, names)| names_of(*class) == *names)
            && self.dicts.iter().all(|guard| guard.holds(py))
            && self.registrations_hold(py)
    }

    /// What the garbage collector must know of.
    pub fn kept(&self) -> &[Py<PyAny>] {
        &self.kept
    }

    fn registrations_hold(&self, py: Python<'_>) -> bool {
        self.registrations.is_none_or(|before| {
            registrations(py).is_ok_and(|now| {
                // SAFETY: both are alive integers; comparing them runs no Python code.
                unsafe { ffi::PyObject_RichCompareBool(now.as_ptr(), before, ffi::Py_EQ) == 1 }
            })
        })
    }
}

/// Whether these are the items of a list, the very objects.
fn has_items(list: Object, items: &[Object]) -> bool {
    // SAFETY: the list is kept alive, and items are asked for within its length.
    unsafe {
        ffi::PyList_GET_SIZE(list).unsigned_abs() == items.len()
            && (0..)
                .zip(items)
                .all(|(at, item)| ffi::PyList_GET_ITEM(list, at) == *item)
    }
}

/// What a slot of an object holds; null where it is empty.
///
/// # Safety
/// Both must be alive, and the slot a descriptor of a class of the object's.
unsafe fn read_slot(py: Python<'_>, object: Object, slot: Object) -> Object {
    // SAFETY: a descriptor of a slot reads the structure, and runs no Python code. What it finds is
    // held by the object too.
    unsafe {
        let Some(get) = (*ffi::Py_TYPE(slot)).tp_descr_get else {
            return ptr::null_mut();
        };
        let found = get(slot, object, ffi::Py_TYPE(object).cast());
        if found.is_null() {
            drop(PyErr::take(py));
        } else {
            ffi::Py_DECREF(found);
        }
        found
    }
}

/// What a slot of an object holds, if anything.
pub fn slot_of<'py>(
    object: &Bound<'py, PyAny>,
    slot: &Bound<'py, PyAny>,
) -> Option<Bound<'py, PyAny>> {
    // SAFETY: both are alive; what is found, the object holds.
    unsafe {
        let found = read_slot(object.py(), object.as_ptr(), slot.as_ptr());
        Bound::from_borrowed_ptr_or_opt(object.py(), found)
    }
}

fn member_holds(py: Python<'_>, (object, name, expected): (Object, Object, Object)) -> bool {
    // SAFETY: object and name are kept alive. The class is a library's, and finds the member in its
    // structure: no Python code is run. Whatever is found is held elsewhere too, if it is expected.
    unsafe {
        let found = ffi::PyObject_GetAttr(object, name);
        if found.is_null() {
            drop(PyErr::take(py));
            return false;
        }
        ffi::Py_DECREF(found);
        found == expected
    }
}

impl DictGuard {
    fn holds(&self, py: Python<'_>) -> bool {
        let known = self.known_at.get();
        if known != 0 && known == self.version.now() && self.versioned {
            return true;
        }
        let version = self.version.renewed();
        let holds = self.items.as_ref().is_none_or(|items| self.has(items))
            && self.slots.iter().all(|slot| self.slot_holds(py, *slot));
        if holds {
            self.known_at.set(version);
        }
        holds
    }

    /// Whether these are its items, the very objects in this order.
    fn has(&self, items: &[(Object, Object)]) -> bool {
        let (mut position, mut key, mut value) = (0, ptr::null_mut(), ptr::null_mut());
        let mut items = items.iter();
        loop {
            // SAFETY: the dictionary is kept alive, and nothing here changes it.
            let more = unsafe {
                let (key, value) = (&raw mut key, &raw mut value);
                ffi::PyDict_Next(self.dict, &raw mut position, key, value) != 0
            };
            match (more, items.next()) {
                (true, Some(item)) if *item == (key, value) => {}
                (false, None) => return true,
                _ => return false,
            }
        }
    }

    fn slot_holds(&self, py: Python<'_>, (key, expected): (Object, Object)) -> bool {
        // SAFETY: dictionary and key are kept alive; the key is a string, so that comparing it runs
        // no Python code unless the dictionary has keys of a user's own type with the same hash.
        let found = unsafe { ffi::PyDict_GetItemWithError(self.dict, key) };
        if found.is_null() && PyErr::take(py).is_some() {
            return false;
        }
        found == expected
    }
}

impl FunctionGuard {
    #[inline]
    fn holds(&self) -> bool {
        // SAFETY: the function is kept alive.
        let function = unsafe { &*self.function };
        let attributes = function.func_dict;
        function.func_code == self.code
            && function.func_defaults == self.defaults
            && function.func_kwdefaults == self.keyword_defaults
            && (attributes == self.attributes || self.attributes.is_null() && is_empty(attributes))
    }
}

/// Whether a dictionary is empty: asking for the attributes of a function that has none makes one.
fn is_empty(dict: Object) -> bool {
    // SAFETY: callers pass a live dictionary.
    unsafe { ffi::PyDict_Size(dict) == 0 }
}

fn description(function: *mut ffi::PyFunctionObject) -> Description {
    // SAFETY: callers pass a live function.
    let function = unsafe { &*function };
    [
        function.func_module,
        function.func_name,
        function.func_qualname,
        function.func_doc,
        function.func_annotations,
        #[cfg(Py_3_14)]
        function.func_annotate,
        #[cfg(not(Py_3_14))]
        ptr::null_mut(),
    ]
}

/// Name and qualified name of a class that was made while running.
fn names_of(class: Object) -> [Object; 2] {
    // SAFETY: callers pass a live class of that kind.
    let class = unsafe { &*class.cast::<ffi::PyHeapTypeObject>() };
    [class.ht_name, class.ht_qualname]
}

fn registrations(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    py.import("_abc")?.getattr("get_cache_token")?.call0()
}

const CHANGED: &str = "something that changed while it was looked at";

/// Guards under construction.
#[derive(Debug, Default)]
pub struct Recorder {
    guards: Guards,
    dicts: HashMap<usize, usize>,
    slots: HashMap<(usize, usize), Object>,
    seen: HashSet<usize>,
    /// Why there can be no guards, if so.
    obstacle: Option<&'static str>,
}

impl Recorder {
    /// Remembers what was found under a key of a dictionary.
    pub fn slot(&mut self, dict: &Bound<'_, PyDict>, key: &str, value: Option<&Bound<'_, PyAny>>) {
        let key = PyString::intern(dict.py(), key);
        let expected = value.map_or(ptr::null_mut(), Bound::as_ptr);
        let place = (dict.as_ptr() as usize, key.as_ptr() as usize);
        match self.slots.insert(place, expected) {
            None => {}
            Some(before) if before == expected => return,
            Some(_) => return self.obstacle(CHANGED),
        }
        let at = self.dict(dict);
        self.guards.dicts[at].slots.push((key.as_ptr(), expected));
        self.keep(key.as_any());
        if let Some(value) = value {
            self.keep(value);
        }
    }

    /// Remembers all of a dictionary.
    pub fn whole(&mut self, dict: &Bound<'_, PyDict>) {
        let mut items = Vec::with_capacity(dict.len());
        for (key, value) in dict {
            items.push((key.as_ptr(), value.as_ptr()));
            self.keep(&key);
            self.keep(&value);
        }
        let at = self.dict(dict);
        match &self.guards.dicts[at].items {
            Some(before) if *before != items => self.obstacle(CHANGED),
            _ => self.guards.dicts[at].items = Some(items),
        }
    }

    /// Remembers all of the namespace of an instance.
    pub fn namespace(&mut self, namespace: &Bound<'_, PyDict>) {
        self.whole(namespace);
        let at = self.dict(namespace);
        self.guards.dicts[at].versioned = false;
    }

    /// Remembers the items of a list.
    pub fn list(&mut self, list: &Bound<'_, PyList>) {
        let items: Vec<_> = list.iter().collect();
        for item in &items {
            self.keep(item);
        }
        let items = items.iter().map(Bound::as_ptr).collect();
        self.guards.lists.push((list.as_ptr(), items));
        self.keep(list.as_any());
    }

    /// Remembers of which class an object is.
    pub fn class_of(&mut self, object: &Bound<'_, PyAny>) {
        let class = object.get_type();
        self.guards
            .instances
            .push((object.as_ptr(), class.as_ptr()));
        self.keep(object);
        self.keep(class.as_any());
    }

    /// Remembers what a slot of an object holds.
    pub fn slot_of(
        &mut self,
        object: &Bound<'_, PyAny>,
        slot: &Bound<'_, PyAny>,
        held: Option<&Bound<'_, PyAny>>,
    ) {
        let expected = held.map_or(ptr::null_mut(), Bound::as_ptr);
        let guard = (object.as_ptr(), slot.as_ptr(), expected);
        self.guards.slots.push(guard);
        self.keep(object);
        self.keep(slot);
        if let Some(held) = held {
            self.keep(held);
        }
    }

    /// Remembers what a member of an object's structure holds.
    pub fn member(&mut self, object: &Bound<'_, PyAny>, name: &str, member: &Bound<'_, PyAny>) {
        let name = PyString::intern(object.py(), name);
        let guard = (object.as_ptr(), name.as_ptr(), member.as_ptr());
        self.guards.members.push(guard);
        self.keep(object);
        self.keep(name.as_any());
        self.keep(member);
    }

    fn dict(&mut self, dict: &Bound<'_, PyDict>) -> usize {
        let next = self.guards.dicts.len();
        let at = *self.dicts.entry(dict.as_ptr() as usize).or_insert(next);
        if at == next {
            self.guards.dicts.push(DictGuard {
                dict: dict.as_ptr(),
                version: DictVersion::of(dict),
                known_at: Cell::new(0),
                versioned: true,
                slots: Vec::new(),
                items: None,
            });
            self.keep(dict.as_any());
        }
        at
    }

    /// Remembers what a call of a function shows of it.
    pub fn function(&mut self, function: &Bound<'_, PyFunction>) {
        let pointer = function.as_ptr().cast::<ffi::PyFunctionObject>();
        // SAFETY: the function is alive.
        let (code, defaults, keyword_defaults) = unsafe {
            (
                (*pointer).func_code,
                (*pointer).func_defaults,
                (*pointer).func_kwdefaults,
            )
        };
        self.keep(function.as_any());
        self.keep_all(function.py(), &[code, defaults, keyword_defaults]);
        if let (_, Some(by_name)) = defaults_of(function) {
            self.whole(&by_name);
        }
        let attributes = attributes_of(function);
        if let Some(attributes) = &attributes {
            self.whole(attributes);
        }
        self.guards.functions.push(FunctionGuard {
            function: pointer,
            code,
            defaults,
            keyword_defaults,
            attributes: attributes.map_or(ptr::null_mut(), |attributes| attributes.as_ptr()),
        });
    }

    /// Remembers what code can read of a function without calling it.
    pub fn description(&mut self, function: &Bound<'_, PyFunction>) {
        let pointer = function.as_ptr().cast::<ffi::PyFunctionObject>();
        let described = description(pointer);
        self.keep_all(function.py(), &described);
        self.guards.described.push((pointer, described));
    }

    fn keep_all(&mut self, py: Python<'_>, held: &[Object]) {
        for held in held.iter().filter(|held| !held.is_null()) {
            // SAFETY: a live function holds it.
            let held = unsafe { Bound::from_borrowed_ptr(py, *held) };
            self.keep(&held);
        }
    }

    /// Remembers what a cell holds.
    pub fn cell(&mut self, cell: &Bound<'_, PyAny>) {
        // SAFETY: closures consist of cells.
        let content = unsafe { (*cell.as_ptr().cast::<ffi::PyCellObject>()).ob_ref };
        self.guards.cells.push((cell.as_ptr(), content));
        self.keep(cell);
        if !content.is_null() {
            // SAFETY: the live cell holds it.
            let content = unsafe { Bound::from_borrowed_ptr(cell.py(), content) };
            self.keep(&content);
        }
    }

    /// Remembers a class, with its bases, as it is now. To be called before it is looked at.
    pub fn class(&mut self, class: &Bound<'_, PyType>) {
        if !self.seen.insert(class.as_ptr() as usize) {
            return;
        }
        assign_version(class);
        match version_tag(class.as_ptr()) {
            0 => self.obstacle("a class without a version"),
            tag => {
                self.guards.classes.push((class.as_ptr(), tag));
                self.keep(class.as_any());
                self.names(class);
            }
        }
    }

    fn names(&mut self, class: &Bound<'_, PyType>) {
        // SAFETY: the class is alive.
        let flags = unsafe { ffi::PyType_GetFlags(class.as_type_ptr()) };
        if flags & ffi::Py_TPFLAGS_HEAPTYPE != 0 {
            let names = names_of(class.as_ptr());
            self.guards.names.push((class.as_ptr(), names));
            self.keep_all(class.py(), &names);
        }
    }

    /// Remembers which classes are registered with abstract ones.
    pub fn registrations(&mut self, py: Python<'_>) {
        if self.guards.registrations.is_some() {
            return;
        }
        match registrations(py) {
            Ok(count) => {
                self.guards.registrations = Some(count.as_ptr());
                self.keep(&count);
            }
            Err(_) => self.obstacle("abstract base classes that do not count registrations"),
        }
    }

    /// Says that something was looked at that no guard can watch.
    pub fn obstacle(&mut self, why: &'static str) {
        self.obstacle.get_or_insert(why);
    }

    fn keep(&mut self, object: &Bound<'_, PyAny>) {
        self.guards.kept.push(object.clone().unbind());
    }

    /// The guards, unless something can't be guarded.
    pub fn finish(self) -> Result<Guards, &'static str> {
        match self.obstacle {
            None => Ok(self.guards),
            Some(why) => Err(why),
        }
    }
}
