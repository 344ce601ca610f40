//! The classes of a model that the rules know.

/// Indices into the labels of the model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ModelClasses {
    pub(crate) person: Option<usize>,
    pub(crate) face: Option<usize>,
}

impl ModelClasses {
    pub(crate) fn new(labels: &[String]) -> Self {
        let of = |name: &str| labels.iter().position(|label| label == name);
        Self {
            person: of("person"),
            face: of("face"),
        }
    }

    /// What stands for a person in the picture: the body, or the face where the model knows no bodies.
    pub(crate) fn body(&self) -> Option<usize> {
        self.person.or(self.face)
    }

    /// What stands for a face: the face, or the body where the model knows no faces.
    pub(crate) fn head(&self) -> Option<usize> {
        self.face.or(self.person)
    }
}
