// Package keys holds the ed25519 keys that sign a feed, each in a file of its own.
//
// Parties. A publisher has the offline keys, or some of them where several people must sign. A server that only
// keeps a feed fresh has the online ones. Whoever steals an online key can withhold news, and steer between signed
// releases, until the key is replaced; whoever steals an offline key can sign releases, so these are in a folder of
// their own, to be kept elsewhere:
//
//	offline/root-1a2b3c4d.key offline/targets-….key offline/<app>-releases-….key
//	online/snapshot-….key online/timestamp-….key online/<app>-rollout-….key
//
// The eight digits begin the key's id. Folders made before there could be several keys for a role name a file by
// its role alone; they go on working.
//
// Trust. Offline keys are encrypted with a passphrase where one is given (age, scrypt). Online keys are not: a
// passphrase that an unattended server can read protects nothing. On Unix, a key that others may read is refused.
// A [Public] half comes from somebody else's machine and is checked before it is used.
//
// Guarantees. A key file is complete or absent, its mode is 0600, and an existing one is never replaced or
// removed. Neither keys nor passphrases appear in errors, or in the text of a [Store]. A crash leaves whole keys.
package keys

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"sync"

	"filippo.io/age/armor"

	"github.com/tesseract-desktop/tesseract/internal/durable"
)

// ErrPassphrase means that a key is encrypted and the passphrase for it is
// missing or wrong.
var ErrPassphrase = errors.New("passphrase is missing or wrong")

const (
	offline   = "offline"
	online    = "online"
	extension = ".key"
	maxFile   = 64 << 10
	// maxWork bounds what a key file may make this computer spend on a passphrase.
	maxWork = 22
	// idDigits is how much of a key's id is in its file's name, and enough to tell a person's keys apart.
	idDigits = 8
)

var (
	roleName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	fileName = regexp.MustCompile(`^([a-z0-9]+(?:-[a-z0-9]+)*?)(?:-([0-9a-f]{8}))?\.key$`)
)

// IsOnline tells whether an unattended server may hold keys of the role: it can be renewed or steered, and can
// make nobody run new bytes. All other roles are offline.
func IsOnline(role string) bool {
	return role == "snapshot" || role == "timestamp" || strings.HasSuffix(role, "-rollout")
}

// Options configures a Store.
type Options struct {
	Dir        string // holds offline/ and online/; made by Generate
	Passphrase string // for offline keys; empty: not encrypted
	WorkFactor int    // scrypt's log2(N) for new keys; 0: age's default of 18
}

// Store is a folder of keys. It is safe for concurrent use.
type Store struct {
	opts Options

	mu     sync.Mutex
	loaded map[string]loaded // by file name: decrypting takes about a second, also in vain
}

// loaded is what came of reading a key file.
type loaded struct {
	private ed25519.PrivateKey
	err     error
}

// New makes a Store. It does not touch the disk.
func New(o Options) (*Store, error) {
	if o.Dir == "" {
		return nil, errors.New("keys: Dir is missing")
	}
	if o.WorkFactor < 0 || o.WorkFactor > maxWork {
		return nil, fmt.Errorf("keys: work factor %d must be 0 to %d", o.WorkFactor, maxWork)
	}
	return &Store{opts: o, loaded: map[string]loaded{}}, nil
}

// String keeps what is secret out of logs.
func (s *Store) String() string { return "keys in " + s.opts.Dir }

// GoString is String.
func (s *Store) GoString() string { return s.String() }

// document is what a key file holds, as JSON, encrypted or not.
type document struct {
	Role   string `json:"role"`
	Type   string `json:"type"`
	Public string `json:"public"` // hex
	Seed   string `json:"seed"`   // base64
}

func folder(role string) string {
	if IsOnline(role) {
		return online
	}
	return offline
}

// Generate makes one more key for a role and returns its public half.
func (s *Store) Generate(role string) (Public, error) {
	p, err := s.generate(role)
	if err != nil {
		return Public{}, fmt.Errorf("make a key for %s: %w", role, err)
	}
	return p, nil
}

func (s *Store) generate(role string) (Public, error) {
	if !roleName.MatchString(role) {
		return Public{}, errors.New("a role with such a name cannot have a key file")
	}
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return Public{}, err
	}
	p := Public{Role: role, ID: ID(public), Key: public}
	data, err := json.Marshal(document{
		Role: role, Type: keyType, Public: hex.EncodeToString(public),
		Seed: base64.StdEncoding.EncodeToString(private.Seed()),
	})
	if err != nil {
		return Public{}, err
	}
	if s.opts.Passphrase != "" && !IsOnline(role) {
		if data, err = s.encrypt(data); err != nil {
			return Public{}, err
		}
	}
	if err := os.MkdirAll(s.opts.Dir+"/"+folder(role), 0o700); err != nil {
		return Public{}, fmt.Errorf("make key folder: %w", err)
	}
	root, err := os.OpenRoot(s.opts.Dir)
	if err != nil {
		return Public{}, fmt.Errorf("open key folder: %w", err)
	}
	defer root.Close()
	return p, durable.WriteFile(root, path.Join(folder(role), role+"-"+p.ID[:idDigits]+extension), data, 0o600)
}

// Signers returns the keys that this store has for a role; once read, they stay in memory. A key that the passphrase
// does not open is passed over where another one opens: it may be a retired one, of an older passphrase. Its error is
// fs.ErrNotExist when there is no key, and ErrPassphrase when none can be decrypted.
func (s *Store) Signers(role string) ([]crypto.Signer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	files, err := s.list(folder(role))
	if err != nil {
		return nil, fmt.Errorf("key for %s: %w", role, err)
	}
	var signers []crypto.Signer
	locked := fmt.Errorf("%w in %s", fs.ErrNotExist, s.opts.Dir)
	for _, f := range files {
		if f.Role != role {
			continue
		}
		key, ok := s.loaded[f.Name]
		if !ok {
			key.private, key.err = s.load(f)
			s.loaded[f.Name] = key
		}
		switch {
		case key.err == nil:
			signers = append(signers, key.private)
		case errors.Is(key.err, ErrPassphrase):
			locked = key.err
		default:
			return nil, fmt.Errorf("key for %s: %w", role, key.err)
		}
	}
	if len(signers) == 0 {
		return nil, fmt.Errorf("key for %s: %w", role, locked)
	}
	return signers, nil
}

// File is a key file, unread.
type File struct {
	Name string // relative to the store's folder, with forward slashes
	Role string
	ID   string // the first eight digits; empty where the file's name does not tell
}

// Files lists all key files, none of which is opened. Where there is no folder there are none.
func (s *Store) Files() ([]File, error) {
	var all []File
	for _, dir := range []string{offline, online} {
		files, err := s.list(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("list keys: %w", err)
		}
		all = append(all, files...)
	}
	return all, nil
}

func (s *Store) list(dir string) ([]File, error) {
	entries, err := os.ReadDir(s.opts.Dir + "/" + dir)
	if err != nil {
		return nil, err
	}
	var files []File
	for _, e := range entries {
		if m := fileName.FindStringSubmatch(e.Name()); m != nil && folder(m[1]) == dir {
			files = append(files, File{Name: path.Join(dir, e.Name()), Role: m[1], ID: m[2]})
		}
	}
	return files, nil
}

func (s *Store) load(f File) (ed25519.PrivateKey, error) {
	data, err := s.read(f.Name)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(data, []byte(armor.Header)) {
		if data, err = s.decrypt(data); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	var doc document
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("%s is not a key file", f.Name)
	}
	seed, err := base64.StdEncoding.DecodeString(doc.Seed)
	if err != nil || len(seed) != ed25519.SeedSize || doc.Type != keyType {
		return nil, fmt.Errorf("%s does not hold an ed25519 key", f.Name)
	}
	key := ed25519.NewKeyFromSeed(seed)
	public, ok := key.Public().(ed25519.PublicKey)
	if doc.Role != f.Role || !ok || hex.EncodeToString(public) != doc.Public || !strings.HasPrefix(ID(public), f.ID) {
		return nil, fmt.Errorf("%s holds another key than it says", f.Name)
	}
	return key, nil
}

func (s *Store) read(name string) ([]byte, error) {
	root, err := os.OpenRoot(s.opts.Dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !private(info.Mode()) {
		return nil, fmt.Errorf("%s can be read by other users; chmod it to 600, and think of it as known to them", name)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%s is too long for a key file", name)
	}
	return data, err
}
