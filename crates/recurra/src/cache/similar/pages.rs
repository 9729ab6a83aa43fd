//! A list that grows and shrinks by pages: nothing is ever moved, and less than a page is to spare.

/// Elements of a page.
const PAGE: usize = 64;

/// A list in pages of [`PAGE`] elements.
pub(super) struct Pages<T> {
    pages: Vec<Vec<T>>,
}

impl<T> Pages<T> {
    pub(super) fn new() -> Self {
        Pages { pages: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        let last = self.pages.last().map_or(0, Vec::len);
        self.pages.len().saturating_sub(1) * PAGE + last
    }

    pub(super) fn push(&mut self, value: T) {
        match self.pages.last_mut() {
            Some(page) if page.len() < PAGE => page.push(value),
            _ => {
                let mut page = Vec::with_capacity(PAGE);
                page.push(value);
                self.pages.push(page);
            }
        }
    }

    fn pop(&mut self) -> Option<T> {
        let page = self.pages.last_mut()?;
        let value = page.pop();
        if page.is_empty() {
            self.pages.pop();
        }
        value
    }

    /// Takes an element out; the last one takes its place.
    pub(super) fn swap_remove(&mut self, at: u32) -> T {
        let last = self.pop().expect("an element");
        if at as usize == self.len() {
            return last;
        }
        std::mem::replace(&mut self[at], last)
    }

    /// Bytes of all pages.
    pub(super) fn bytes(&self) -> usize {
        self.pages.len() * Self::page_bytes() + self.pages.capacity() * size_of::<Vec<T>>()
    }

    /// Bytes that one more element would take.
    pub(super) fn bytes_of_next(&self) -> usize {
        match self.pages.last() {
            Some(page) if page.len() < PAGE => 0,
            _ => Self::page_bytes() + next_of(&self.pages),
        }
    }

    fn page_bytes() -> usize {
        PAGE * size_of::<T>()
    }
}

/// Bytes that one more element of a list would take.
pub(super) fn next_of<T>(list: &Vec<T>) -> usize {
    let grows = list.len() == list.capacity();
    usize::from(grows) * list.capacity().max(4) * size_of::<T>()
}

impl<T> std::ops::Index<u32> for Pages<T> {
    type Output = T;
    fn index(&self, at: u32) -> &T {
        &self.pages[at as usize / PAGE][at as usize % PAGE]
    }
}

impl<T> std::ops::IndexMut<u32> for Pages<T> {
    fn index_mut(&mut self, at: u32) -> &mut T {
        &mut self.pages[at as usize / PAGE][at as usize % PAGE]
    }
}
