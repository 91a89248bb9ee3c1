//! Batches of encoded objects for the destination.

use std::ops::Range;

use super::object::BatchKey;
use super::progress::SentAttributes;
use super::row::{Identifier, Row};

/// Encoded objects that are sent in one request or write, with the rows they were made from.
#[derive(Debug, Default)]
pub struct Batch {
    /// The objects, one after the other, each followed by one byte that separates it from the next.
    bytes: Vec<u8>,
    items: Vec<Item>,
    /// Bytes of the attributes that are kept until the objects are acknowledged.
    attribute_bytes: usize,
    /// The key that all objects of the batch share.
    pub key: BatchKey,
}

/// The row that an object was made from.
#[derive(Debug)]
pub struct Item {
    /// The row's number in the run.
    pub row: u64,
    /// The user it belongs to.
    pub identifier: Option<Identifier>,
    /// [`Row::user`].
    pub user: u64,
    /// Its `UPDATED_AT`, in microseconds since 1970.
    pub updated_at: i64,
    /// With `only_changed`: the attributes in the object.
    pub sent: Option<Box<SentAttributes>>,
    /// Offset in `bytes` right after the object.
    end: usize,
}

impl Batch {
    /// Appends the object that `write` encodes from a row. If `write` fails, the batch is unchanged and the row is returned
    /// with the reason.
    pub fn push(
        &mut self,
        number: u64,
        row: Row,
        separator: u8,
        write: impl FnOnce(&Row, &mut Vec<u8>) -> Result<(), String>,
    ) -> Result<(), (Row, String)> {
        if let Err(reason) = write(&row, &mut self.bytes) {
            return Err((row, reason));
        }
        let (user, end) = (row.user(), self.bytes.len());
        let Row { identifier, updated_at, .. } = row;
        self.items.push(Item { row: number, identifier, user, updated_at, sent: None, end });
        self.bytes.push(separator);
        Ok(())
    }

    /// Says which attributes are in the last object.
    pub fn set_sent(&mut self, sent: Box<SentAttributes>) {
        if let Some(last) = self.items.last_mut() {
            // They are kept twice: until the object is acknowledged, and until that is saved.
            self.attribute_bytes += 2 * (sent.attributes.size() + size_of::<SentAttributes>());
            last.sent = Some(sent);
        }
    }

    /// Takes out which attributes are in an object.
    pub fn take_sent(&mut self, object: usize) -> Option<Box<SentAttributes>> {
        self.items.get_mut(object)?.sent.take()
    }

    /// A batch of already encoded objects.
    #[cfg(test)]
    pub fn of<T: AsRef<str>>(objects: impl IntoIterator<Item = (Row, T)>, separator: u8) -> Batch {
        let mut batch = Batch::default();
        for (number, (row, object)) in (0..).zip(objects) {
            let write = |_: &Row, out: &mut Vec<u8>| {
                out.extend_from_slice(object.as_ref().as_bytes());
                Ok(())
            };
            batch.push(number, row, separator, write).expect("writing cannot fail");
        }
        batch
    }

    /// Number of objects.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether the batch has no objects.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The rows, in the order of the objects.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Size in bytes, separators included.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// About how many bytes of memory it takes.
    pub fn memory(&self) -> usize {
        self.size() + self.attribute_bytes
    }

    /// The bytes of a range of objects, with separators between them and none after the last.
    pub fn bytes(&self, objects: Range<usize>) -> &[u8] {
        let (Some(last), start) = (self.items.get(objects.end.wrapping_sub(1)), self.start(objects.start)) else {
            return &[];
        };
        &self.bytes[start..last.end]
    }

    /// The bytes of all objects, each followed by a separator.
    pub fn all_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Offset in [`Batch::all_bytes`] at which the object after this one starts.
    pub fn end(&self, object: usize) -> usize {
        self.items.get(object).map_or(0, |item| item.end + 1)
    }

    fn start(&self, object: usize) -> usize {
        if object == 0 { 0 } else { self.end(object - 1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty_row() -> Row {
        Row::unkeyed(0, None, None, None)
    }

    fn batch(objects: &[&str]) -> Batch {
        Batch::of(objects.iter().map(|object| (empty_row(), object)), b',')
    }

    #[test]
    fn any_range_of_objects_is_one_slice() {
        let batch = batch(&["{1}", "{22}", "{333}"]);
        assert_eq!(batch.bytes(0..3), b"{1},{22},{333}");
        assert_eq!(batch.bytes(1..2), b"{22}");
        assert_eq!(batch.bytes(1..3), b"{22},{333}");
        assert_eq!(batch.bytes(0..0), b"");
        assert_eq!(batch.all_bytes(), b"{1},{22},{333},");
        assert_eq!((batch.end(0), batch.end(2)), (4, batch.size()));
    }

    #[test]
    fn a_row_that_cannot_be_encoded_leaves_the_batch_unchanged() {
        let mut batch = batch(&["{1}"]);
        let before = batch.size();
        assert!(batch.push(7, empty_row(), b',', |_, _| Err("no".into())).is_err());
        assert_eq!((batch.len(), batch.size()), (1, before));
    }
}
