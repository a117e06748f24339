package keys_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/tesseract-desktop/tesseract/vcm/keys"
)

var roles = []string{"root", "targets", "notes-releases", "notes-rollout", "snapshot", "timestamp"}

func store(t *testing.T, dir, passphrase string) *keys.Store {
	t.Helper()
	s, err := keys.New(keys.Options{Dir: dir, Passphrase: passphrase, WorkFactor: 10})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// generate makes a key for each role and returns their public halves.
func generate(t *testing.T, s *keys.Store, roles ...string) map[string]keys.Public {
	t.Helper()
	all := map[string]keys.Public{}
	for _, role := range roles {
		p, err := s.Generate(role)
		if err != nil {
			t.Fatal(err)
		}
		all[role] = p
	}
	return all
}

// name is where the key of a role is.
func name(p keys.Public) string {
	dir := "offline/"
	if keys.IsOnline(p.Role) {
		dir = "online/"
	}
	return dir + p.Role + "-" + p.ID[:8] + ".key"
}

func TestKeysSign(t *testing.T) {
	for name, passphrase := range map[string]string{"plain": "", "encrypted": "correct horse"} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "keys")
			s := store(t, dir, passphrase)
			made := generate(t, s, roles...)
			seen := map[string]bool{}
			for _, role := range roles {
				signers, err := s.Signers(role)
				if err != nil || len(signers) != 1 {
					t.Fatalf("%d keys, %v", len(signers), err)
				}
				key := signers[0]
				message := []byte(role)
				sig, err := key.Sign(nil, message, crypto.Hash(0))
				if err != nil {
					t.Fatal(err)
				}
				public := key.Public().(ed25519.PublicKey)
				if !ed25519.Verify(public, message, sig) || seen[string(public)] {
					t.Errorf("%s: key does not sign or is not its own", role)
				}
				seen[string(public)] = true
				if keys.ID(public) != made[role].ID || !public.Equal(made[role].Key) {
					t.Errorf("%s: the public half that Generate returned is another key's", role)
				}
			}
		})
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	s := store(t, dir, "correct horse")
	for role, p := range generate(t, s, roles...) {
		file, encrypted := name(p), !keys.IsOnline(role)
		data, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.HasPrefix(data, []byte("-----BEGIN AGE")) != encrypted {
			t.Errorf("%s: encrypted should be %v", file, encrypted)
		}
		if encrypted && bytes.Contains(data, []byte("seed")) {
			t.Errorf("%s shows its content", file)
		}
		info, err := os.Stat(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", file, info.Mode())
		}
	}
	files, err := s.Files()
	if err != nil || len(files) != len(roles) {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		if !slices.Contains(roles, f.Role) || len(f.ID) != 8 {
			t.Errorf("listed %+v", f)
		}
	}
	if none, err := store(t, filepath.Join(dir, "none"), "").Files(); err != nil || len(none) != 0 {
		t.Errorf("without a folder: %v, %v", none, err)
	}
}

// What a person may see of a store must not have its secrets in it.
func TestStoreShowsNothing(t *testing.T) {
	s := store(t, t.TempDir(), "correct horse")
	generate(t, s, "timestamp")
	if _, err := s.Signers("timestamp"); err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(format, s); strings.Contains(text, "horse") || strings.Contains(text, "Private") {
			t.Errorf("%s shows %s", format, text)
		}
	}
}

func TestSeveralKeys(t *testing.T) {
	s := store(t, t.TempDir(), "")
	ids := map[string]bool{}
	for range 3 {
		ids[generate(t, s, "root")["root"].ID] = true
	}
	signers, err := s.Signers("root")
	if err != nil || len(signers) != 3 || len(ids) != 3 {
		t.Fatalf("%d keys of %d, %v", len(signers), len(ids), err)
	}
	for _, key := range signers {
		if !ids[keys.ID(key.Public().(ed25519.PublicKey))] {
			t.Error("a key that was never made")
		}
	}
}

// Folders made before there could be several keys have one file per role, named by it.
func TestOldNames(t *testing.T) {
	dir := t.TempDir()
	for role, p := range generate(t, store(t, dir, ""), "root", "notes-releases", "timestamp") {
		old := filepath.Join(dir, filepath.Dir(name(p)), role+".key")
		if err := os.Rename(filepath.Join(dir, name(p)), old); err != nil {
			t.Fatal(err)
		}
		s := store(t, dir, "")
		generate(t, s, role)
		if signers, err := s.Signers(role); err != nil || len(signers) != 2 {
			t.Errorf("%s: %d keys, %v", role, len(signers), err)
		}
	}
}

func TestPassphrase(t *testing.T) {
	dir := t.TempDir()
	generate(t, store(t, dir, "correct horse"), "root", "timestamp")
	for _, wrong := range []string{"", "wrong staple"} {
		_, err := store(t, dir, wrong).Signers("root")
		if !errors.Is(err, keys.ErrPassphrase) {
			t.Errorf("with %q: %v", wrong, err)
		}
		if wrong != "" && strings.Contains(err.Error(), wrong) {
			t.Errorf("the error shows the passphrase: %v", err)
		}
		if _, err := store(t, dir, wrong).Signers("timestamp"); err != nil {
			t.Errorf("the online key needs no passphrase: %v", err)
		}
	}
}

// A retired key of another passphrase does not stand in the way of the present one.
func TestAnotherPassphrase(t *testing.T) {
	dir := t.TempDir()
	generate(t, store(t, dir, "the former one"), "root")
	p := generate(t, store(t, dir, "the new one"), "root")["root"]
	signers, err := store(t, dir, "the new one").Signers("root")
	if err != nil || len(signers) != 1 || !p.Key.Equal(signers[0].Public()) {
		t.Errorf("%d keys, %v", len(signers), err)
	}
	if _, err := store(t, dir, "neither").Signers("root"); !errors.Is(err, keys.ErrPassphrase) {
		t.Errorf("neither: %v", err)
	}
}

func TestPublic(t *testing.T) {
	p := generate(t, store(t, t.TempDir(), ""), "root")["root"]
	text, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := keys.DecodePublic(text); err != nil || got.ID != p.ID || !got.Key.Equal(p.Key) || got.Role != "root" {
		t.Errorf("got %+v, %v", got, err)
	}
	if p.File() != "root-"+p.ID[:8]+".pub" {
		t.Errorf("file name %s", p.File())
	}
	other := generate(t, store(t, t.TempDir(), ""), "root")["root"]
	for name, bad := range map[string]string{
		"nothing":           "",
		"another's id":      strings.Replace(string(text), p.ID, other.ID, 1),
		"another key":       strings.Replace(string(text), hex.EncodeToString(p.Key), hex.EncodeToString(other.Key), 1),
		"a short key":       strings.Replace(string(text), hex.EncodeToString(p.Key), "00", 1),
		"a role with paths": strings.Replace(string(text), `"root"`, `"../root"`, 1),
		"another type":      strings.Replace(string(text), `"ed25519"`, `"rsa"`, 1),
		"endless":           strings.Repeat(" ", 1<<20),
	} {
		if _, err := keys.DecodePublic([]byte(bad)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestRefusesFiles(t *testing.T) {
	dir := t.TempDir()
	made := generate(t, store(t, dir, ""), "root", "targets")
	root, targets := filepath.Join(dir, name(made["root"])), filepath.Join(dir, name(made["targets"]))
	good, err := os.ReadFile(root)
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.ReadFile(targets)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"empty": nil, "not JSON": []byte("{"), "another role's": other,
		"another key of the role": bytes.Replace(other, []byte("targets"), []byte("root"), 1),
		"no seed":                 []byte(`{"role":"root","type":"ed25519"}`),
		"endless":                 bytes.Repeat([]byte(" "), 1<<20),
		"half age":                []byte("-----BEGIN AGE ENCRYPTED FILE-----\nYWdl"),
	} {
		if err := os.WriteFile(root, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := store(t, dir, "").Signers("root"); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := os.WriteFile(root, good, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store(t, dir, "").Signers("root"); err != nil {
		t.Errorf("restored: %v", err)
	}
	if _, err := store(t, dir, "").Generate("../x"); err == nil {
		t.Error("a role that is a path was accepted")
	}
	if _, err := store(t, dir, "").Signers("../x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a key for a path: %v", err)
	}
	if runtime.GOOS == "windows" {
		return
	}
	if err := os.Chmod(targets, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := store(t, dir, "").Signers("targets"); err == nil || !strings.Contains(err.Error(), "chmod") {
		t.Errorf("a key that the group can read: %v", err)
	}
}
