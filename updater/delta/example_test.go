package delta_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/tesseract-desktop/tesseract/updater/delta"
)

func Example() {
	old := []byte(strings.Repeat("A line of the old program.\n", 1000))
	new := []byte(strings.Replace(string(old), "old", "new", 3))
	signed := sha256.Sum256(new) // comes from signed metadata, as the length does
	codec, _ := delta.ByName("bsdiff")

	var patch bytes.Buffer
	if err := codec.Diff(context.Background(), section(old), section(new), &patch); err != nil {
		panic(err)
	}
	var out bytes.Buffer
	if err := codec.Apply(context.Background(), section(old), &patch, int64(len(new)), &out); err != nil {
		panic(err) // errors.Is(err, delta.ErrCorrupt): fetch the full artifact
	}
	fmt.Println("the result is the signed one:", sha256.Sum256(out.Bytes()) == signed)
	// Output: the result is the signed one: true
}
