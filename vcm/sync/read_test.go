package sync

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tesseract-desktop/tesseract/vcm"
)

// What a feed says is believed in nothing that could lead elsewhere or go on for
// ever.
func TestReadRefuses(t *testing.T) {
	many := map[string]any{}
	for i := range maxRoles + 1 {
		many[fmt.Sprintf("role-%d.json", i)] = map[string]any{"version": 1}
	}
	for name, spoil := range map[string]func(s *sample){
		"no timestamp":      func(s *sample) { s.file(vcm.TimestampFile, []byte("<html>")) },
		"another kind":      func(s *sample) { s.write(vcm.TimestampFile, "snapshot", 1, nil) },
		"no snapshot":       func(s *sample) { s.write(vcm.TimestampFile, "timestamp", 1, nil) },
		"version 0":         func(s *sample) { s.write(rootName(1), "root", 0, nil) },
		"a path":            func(s *sample) { s.meta(map[string]any{"../../x.json": map[string]any{"version": 1}}) },
		"no suffix":         func(s *sample) { s.meta(map[string]any{"targets": map[string]any{"version": 1}}) },
		"a negative one":    func(s *sample) { s.meta(map[string]any{"targets.json": map[string]any{"version": -1}}) },
		"too many roles":    func(s *sample) { s.meta(many) },
		"a role that lacks": func(s *sample) { s.meta(map[string]any{"other.json": map[string]any{"version": 1}}) },
		"too long": func(s *sample) {
			s.file(vcm.TimestampFile, bytes.Repeat([]byte(" "), maxDocument+1))
		},
		"a foreign release": func(s *sample) {
			s.write(versioned(1, "targets"), "targets", 1, map[string]any{"targets": map[string]any{"x": map[string]any{"length": 1}}})
		},
	} {
		s := newSample(t, "ours")
		if _, err := Read(context.Background(), Folder(s.root)); err != nil {
			t.Fatal(err)
		}
		spoil(s)
		if inv, err := Read(context.Background(), Folder(s.root)); err == nil {
			t.Errorf("%s: read %+v", name, inv)
		}
	}
}

// meta replaces the snapshot's list.
func (s *sample) meta(list map[string]any) {
	s.write(versioned(s.versions["snapshot"], "snapshot"), "snapshot", s.versions["snapshot"], map[string]any{"meta": list})
}

func TestReadEndlessRoots(t *testing.T) {
	s := newSample(t, "ours")
	n := 0
	_, err := Read(context.Background(), func(ctx context.Context, name string, limit int64) ([]byte, error) {
		if strings.HasSuffix(name, ".root.json") {
			n++
			name = rootName(1)
		}
		return Folder(s.root)(ctx, name, limit)
	})
	if err == nil || n > maxRoots {
		t.Errorf("%d roots were read: %v", n, err)
	}
}

func TestInventory(t *testing.T) {
	s := newSample(t, "ours")
	s.publish("1.0.0")
	s.document("root", "root", nil)
	inv, err := Read(context.Background(), Folder(s.root))
	if err != nil {
		t.Fatal(err)
	}
	var roles, documents []string
	for _, r := range inv.Roles {
		roles = append(roles, fmt.Sprint(r.Name, " ", r.Version))
	}
	for _, d := range inv.Documents {
		documents = append(documents, strings.TrimPrefix(d.Name, "metadata/"))
	}
	if got := strings.Join(roles, ", "); got != "root 2, notes-releases 1, targets 1, snapshot 2, timestamp 2" {
		t.Errorf("roles %s", got)
	}
	if got := strings.Join(documents, ", "); got != "1.notes-releases.json, 1.targets.json, 2.snapshot.json, 1.root.json, 2.root.json" {
		t.Errorf("documents %s", got)
	}
	if len(inv.Releases) != 1 || len(inv.Apps) != 1 || inv.Document("notes-releases") == nil || inv.Document("other") != nil {
		t.Errorf("got %+v", inv)
	}
}

func TestWeb(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		switch r.URL.Path {
		case "/feed/busy":
			if asked == 1 {
				w.Header().Set("Retry-After", "0")
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			_, _ = w.Write([]byte("here"))
		case "/feed/forbidden":
			w.WriteHeader(http.StatusForbidden)
		case "/feed/teapot":
			w.WriteHeader(http.StatusTeapot)
		case "/v1/publish":
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	c, err := NewCentre(server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if got, err := c.Read(ctx, "busy", 4); err != nil || string(got) != "here" || asked != 2 {
		t.Errorf("got %q, %v after %d requests", got, err, asked)
	}
	if _, err := c.Read(ctx, "busy", 3); err == nil {
		t.Error("the limit was exceeded")
	}
	for _, name := range []string{"forbidden", "nothing"} {
		if _, err := c.Read(ctx, name, 10); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := c.Read(ctx, "teapot", 10); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	for _, bad := range []string{"example.org", "ftp://example.org", "https://", "https://example.org?x=y"} {
		if _, err := NewCentre(bad, nil); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

// Nobody is sent elsewhere with a release.
func TestPublishersAreNotRedirected(t *testing.T) {
	target := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			target = r.Method
			return
		}
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	c, err := NewCentre(server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	s := newSample(t, "ours")
	if _, err := c.Publish(ctx, "notes", []byte("{}"), s.root, Options{}); err == nil || !strings.Contains(err.Error(), "give the address that it points to") {
		t.Errorf("got %v", err)
	}
	if target != "" {
		t.Errorf("%s went elsewhere", target)
	}
}

func TestAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		soon := &transient{err: errors.New("not now")}
		tries := 0
		began := time.Now()
		if err := again(ctx, func() (bool, error) { tries++; return false, soon }); !errors.Is(err, soon) || tries != attempts {
			t.Errorf("%d tries, %v", tries, err)
		}
		if took := time.Since(began); took < 20*time.Second || took > 2*time.Minute {
			t.Errorf("gave up after %v", took)
		}
		// What moves on is not given up.
		tries = 0
		err := again(ctx, func() (bool, error) {
			if tries++; tries > 3*attempts {
				return true, nil
			}
			return true, soon
		})
		if err != nil || tries != 3*attempts+1 {
			t.Errorf("%d tries, %v", tries, err)
		}
		// A wish is granted, within reason.
		began, tries = time.Now(), 0
		err = again(ctx, func() (bool, error) {
			if tries++; tries > 1 {
				return false, nil
			}
			return false, &transient{errors.New("busy"), time.Minute}
		})
		if took := time.Since(began); err != nil || took < time.Minute {
			t.Errorf("came back after %v: %v", took, err)
		}
		if err := again(ctx, func() (bool, error) { return false, &transient{errors.New("busy"), time.Hour} }); err == nil {
			t.Error("waited for an hour")
		}
		over, cancel := context.WithCancelCause(ctx)
		enough := errors.New("enough")
		time.AfterFunc(time.Second, func() { cancel(enough) })
		began = time.Now()
		err = again(over, func() (bool, error) { return false, &transient{errors.New("busy"), time.Minute} })
		if !errors.Is(err, enough) || time.Since(began) != time.Second {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
	})
}
