package instance

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/fsnotify/fsnotify"
)

// requestName is the file by which a later process asks for the window. Whoever removes it answers it: one who is in charge, and once.
const requestName = "show"

func (l *Lock) ask() error {
	f, err := l.root.OpenFile(requestName, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("ask the running app to show itself: %w", err)
	}
	return f.Close()
}

// listen answers requests from now on, and with old those that lie about. Without ears a second start is told so after a while; that is no
// reason not to start the first. Called with mu held.
func (l *Lock) listen(old bool) {
	if !old {
		if err := l.root.Remove(requestName); err != nil && !errors.Is(err, fs.ErrNotExist) {
			l.log.Warn("cannot remove an old request to show the window", "why", err)
		}
	}
	watcher, err := fsnotify.NewWatcher()
	if err == nil {
		if err = watcher.Add(l.dir); err != nil {
			err = errors.Join(err, watcher.Close())
		}
	}
	if err != nil {
		l.log.Warn("cannot hear later starts of the app", "why", err)
		return
	}
	l.watcher = watcher
	go l.hear(watcher)
}

func (l *Lock) hear(watcher *fsnotify.Watcher) {
	l.answer(watcher) // one that came before there were ears
	request := filepath.Join(l.dir, requestName)
	for {
		select {
		case event, open := <-watcher.Events:
			if !open {
				return
			}
			if event.Name == request && event.Has(fsnotify.Create) {
				l.answer(watcher)
			}
		case err, open := <-watcher.Errors:
			if !open {
				return
			}
			l.log.Warn("a later start of the app may not have been heard", "why", err)
			l.answer(watcher)
		}
	}
}

// answer shows the window if somebody has asked for it and this process is still the one to do so.
func (l *Lock) answer(watcher *fsnotify.Watcher) {
	l.showing.Lock()
	defer l.showing.Unlock()
	l.mu.Lock()
	ours := l.watcher == watcher && l.root.Remove(requestName) == nil
	l.mu.Unlock()
	if ours {
		l.onShow()
	}
}

// deafen stops listening. Called with mu held.
func (l *Lock) deafen() {
	if l.watcher == nil {
		return
	}
	if err := l.watcher.Close(); err != nil {
		l.log.Warn("could not stop listening", "why", err)
	}
	l.watcher = nil
}
