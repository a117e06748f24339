package keys

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
)

const keyType = "ed25519"

// Public is the half of a key that may be shown to everybody. Its text, made by [Public.Encode], is what travels
// from the machine that made a key to the one that keeps the feed.
type Public struct {
	Role string // that the key is meant for
	ID   string // 64 hexadecimal digits, as TUF computes it
	Key  ed25519.PublicKey
}

// ID is a key's name in TUF metadata: the SHA-256, in hexadecimal digits, of the key's canonical form.
func ID(public ed25519.PublicKey) string {
	canonical := `{"keytype":"ed25519","keyval":{"public":"` + hex.EncodeToString(public) + `"},"scheme":"ed25519"}`
	sum := sha256.Sum256([]byte(canonical))
	return hex.EncodeToString(sum[:])
}

// File is the name, without a folder, that the text of p is given.
func (p Public) File() string { return p.Role + "-" + p.ID[:idDigits] + ".pub" }

type publicDocument struct {
	Role   string `json:"role"`
	Type   string `json:"type"`
	ID     string `json:"id"`
	Public string `json:"public"` // hex
}

// Encode writes the text of p.
func (p Public) Encode() ([]byte, error) {
	data, err := json.MarshalIndent(publicDocument{p.Role, keyType, p.ID, hex.EncodeToString(p.Key)}, "", "  ")
	return append(data, '\n'), err
}

// DecodePublic reads it. That the id is the key's own is checked; whose key it is, only its owner can say, so the
// id must be compared with what they read out.
func DecodePublic(text []byte) (Public, error) {
	var doc publicDocument
	if len(text) > maxFile || json.Unmarshal(text, &doc) != nil {
		return Public{}, errors.New("not a public key's file; vcm keys init makes one")
	}
	key, err := hex.DecodeString(doc.Public)
	switch {
	case err != nil || len(key) != ed25519.PublicKeySize || doc.Type != keyType:
		return Public{}, errors.New("does not hold an ed25519 public key")
	case !roleName.MatchString(doc.Role):
		return Public{}, errors.New("the role that the key is for has no possible name")
	case ID(key) != doc.ID:
		return Public{}, fmt.Errorf("the key's id is not %.8s; the file was changed on its way", doc.ID)
	}
	return Public{Role: doc.Role, ID: doc.ID, Key: key}, nil
}
