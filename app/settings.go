package app

import "github.com/tesseract-desktop/tesseract/app/preferences"

// Settings is what the page may do with preferences: its exported methods, no more.
type Settings struct {
	store *preferences.Store
}

// NewSettings binds the preferences.
func NewSettings(store *preferences.Store) *Settings { return &Settings{store: store} }

// Get returns the preferences in use.
func (s *Settings) Get() preferences.Preferences { return s.store.Get() }

// Set chooses the values in patch, which has the shape of Preferences with parts left out, and returns the preferences
// in use. Code "invalid" names a value that is not right; then nothing is chosen.
func (s *Settings) Set(patch map[string]any) (preferences.Preferences, error) {
	chosen, err := s.store.Patch(patch)
	return chosen, pageError(err)
}
