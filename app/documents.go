package app

import "github.com/tesseract-desktop/tesseract/app/workspace"

// Documents is what the page may do with documents: its exported methods, no more. Paths have slashes and lie
// below the documents folder; errors are those of pageError.
type Documents struct {
	workspace *workspace.Workspace
}

// NewDocuments binds the workspace.
func NewDocuments(ws *workspace.Workspace) *Documents { return &Documents{workspace: ws} }

// List returns the tree of documents and folders, in the order to show it.
func (d *Documents) List() ([]workspace.Entry, error) {
	entries, err := d.workspace.List()
	return entries, pageError(err)
}

// Read returns a document's text and the revision that a save is based on.
func (d *Documents) Read(path string) (workspace.Document, error) {
	document, err := d.workspace.Read(path)
	return document, pageError(err)
}

// Write saves a document; code "conflict" where it is no longer what baseRevision names.
func (d *Documents) Write(path, text, baseRevision string) (workspace.Saved, error) {
	saved, err := d.workspace.Write(path, text, baseRevision)
	return saved, pageError(err)
}

// Create makes a document at the path or the nearest free one, and returns it.
func (d *Documents) Create(path, text string) (workspace.Document, error) {
	document, err := d.workspace.Create(path, text)
	return document, pageError(err)
}

// Rename moves a document or folder; code "exists" where the new path is taken.
func (d *Documents) Rename(from, to string) error { return pageError(d.workspace.Rename(from, to)) }

// Delete moves a document or folder into the trash and returns an id for Undelete.
func (d *Documents) Delete(path string) (string, error) {
	id, err := d.workspace.Delete(path)
	return id, pageError(err)
}

// Undelete takes it out of the trash again and returns where it is now.
func (d *Documents) Undelete(id string) (string, error) {
	path, err := d.workspace.Undelete(id)
	return path, pageError(err)
}
