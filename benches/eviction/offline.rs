//! Choices that know the future, to compare the others with.

use crate::trace::Trace;

/// At each step, lets go of what saves least for each byte and step until it is next used. A good
/// choice, not the best there is.
pub fn greedy(trace: &Trace, capacity: u64, from: usize) -> f64 {
    let next = trace.next_uses();
    let mut score = trace.score(from);
    let mut shelf = Foresight::new(trace.objects.len());
    for (number, object) in trace.requests.iter().enumerate() {
        let hit = shelf.place[*object as usize] != ABSENT;
        score.count(number, *object, hit);
        if next[number] == usize::MAX {
            shelf.remove(*object);
            continue;
        }
        let (size, cost) = trace.objects[*object as usize];
        shelf.put(*object, size, cost, next[number]);
        while shelf.used > capacity {
            shelf.remove(shelf.worst(number));
        }
    }
    score.share()
}

const ABSENT: usize = usize::MAX;

/// What is there, and when it is next used.
struct Foresight {
    /// Where each object is in `there`.
    place: Vec<usize>,
    there: Vec<Coming>,
    used: u64,
}

struct Coming {
    object: u32,
    size: u64,
    density: f64,
    next: usize,
}

impl Foresight {
    fn new(objects: usize) -> Self {
        Self {
            place: vec![ABSENT; objects],
            there: Vec::new(),
            used: 0,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "only the order counts")]
    fn put(&mut self, object: u32, size: u64, cost: u64, next: usize) {
        let place = self.place[object as usize];
        if place != ABSENT {
            self.there[place].next = next;
            return;
        }
        self.place[object as usize] = self.there.len();
        self.there.push(Coming {
            object,
            size,
            density: cost as f64 / size as f64,
            next,
        });
        self.used += size;
    }

    #[expect(clippy::cast_precision_loss, reason = "only the order counts")]
    fn worst(&self, now: usize) -> u32 {
        let value = |coming: &Coming| coming.density / (coming.next - now) as f64;
        let worst = self
            .there
            .iter()
            .min_by(|a, b| value(a).total_cmp(&value(b)));
        worst.expect("something is in use").object
    }

    fn remove(&mut self, object: u32) {
        let place = std::mem::replace(&mut self.place[object as usize], ABSENT);
        if place == ABSENT {
            return;
        }
        let gone = self.there.swap_remove(place);
        self.used -= gone.size;
        if let Some(moved) = self.there.get(place) {
            self.place[moved.object as usize] = place;
        }
    }
}

/// Every time from one use of an object to the next is a parcel of room and time, worth the cost
/// of the object. The most valuable for their room and time are taken first, wherever they still
/// fit at each moment.
pub fn packed(trace: &Trace, capacity: u64, from: usize) -> f64 {
    let next = trace.next_uses();
    let mut parcels: Vec<usize> = (0..next.len()).filter(|at| next[*at] != ABSENT).collect();
    parcels.sort_by(|a, b| {
        let (a, b) = (value(trace, *a, next[*a]), value(trace, *b, next[*b]));
        b.total_cmp(&a)
    });
    let mut room = Room::new(next.len());
    let mut hits = vec![false; next.len()];
    for at in parcels {
        let size = trace.objects[trace.requests[at] as usize].0;
        if size <= capacity && room.most(at, next[at]) <= capacity - size {
            room.take(at, next[at], size);
            hits[next[at]] = true;
        }
    }
    let mut score = trace.score(from);
    for (number, object) in trace.requests.iter().enumerate() {
        score.count(number, *object, hits[number]);
    }
    score.share()
}

#[expect(clippy::cast_precision_loss, reason = "only the order counts")]
fn value(trace: &Trace, at: usize, next: usize) -> f64 {
    let (size, cost) = trace.objects[trace.requests[at] as usize];
    cost as f64 / size as f64 / (next - at) as f64
}

/// Bytes in use at each moment: a tree of ranges, with what is in use all through a range kept at
/// its root.
struct Room {
    moments: usize,
    /// The most in use at one moment, of a range.
    most: Vec<u64>,
    /// In use all through a range.
    throughout: Vec<u64>,
}

impl Room {
    fn new(moments: usize) -> Self {
        let moments = moments.next_power_of_two();
        Self {
            moments,
            most: vec![0; 2 * moments],
            throughout: vec![0; 2 * moments],
        }
    }

    fn most(&self, from: usize, to: usize) -> u64 {
        self.most_within(1, 0, self.moments, from, to)
    }

    fn most_within(&self, node: usize, low: usize, high: usize, from: usize, to: usize) -> u64 {
        if to <= low || high <= from {
            return 0;
        }
        if from <= low && high <= to {
            return self.most[node];
        }
        let middle = usize::midpoint(low, high);
        let left = self.most_within(2 * node, low, middle, from, to);
        let right = self.most_within(2 * node + 1, middle, high, from, to);
        left.max(right) + self.throughout[node]
    }

    fn take(&mut self, from: usize, to: usize, size: u64) {
        self.take_within(1, (0, self.moments), (from, to), size);
    }

    fn take_within(&mut self, node: usize, range: (usize, usize), of: (usize, usize), size: u64) {
        let ((low, high), (from, to)) = (range, of);
        if to <= low || high <= from {
            return;
        }
        if from <= low && high <= to {
            self.most[node] += size;
            self.throughout[node] += size;
            return;
        }
        let middle = usize::midpoint(low, high);
        self.take_within(2 * node, (low, middle), of, size);
        self.take_within(2 * node + 1, (middle, high), of, size);
        let below = self.most[2 * node].max(self.most[2 * node + 1]);
        self.most[node] = below + self.throughout[node];
    }
}
