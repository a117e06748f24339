package tree

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// device matches what Windows takes for a device whatever folder it lies in, with any extension.
var device = regexp.MustCompile(`(?i)^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\..*)?$`)

// forbidden are the characters that separate paths, or that file names cannot have on Windows.
const forbidden = `/\<>:"|?*`

func checkPath(p string) error {
	if p == "" || len(p) > MaxPath {
		return fmt.Errorf("a path of %d bytes: 1 to %d", len(p), MaxPath)
	}
	for name := range strings.SplitSeq(p, "/") {
		if err := checkName(name); err != nil {
			return err
		}
	}
	return nil
}

func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("an empty name; paths are relative, with single slashes")
	case name == "." || name == "..":
		return fmt.Errorf("%q is not a name", name)
	case len(name) > MaxName:
		return fmt.Errorf("a name of %d bytes: at most %d", len(name), MaxName)
	case !utf8.ValidString(name):
		return errors.New("a name that is not UTF-8")
	case strings.ContainsAny(name, forbidden):
		return fmt.Errorf("a name with one of %s", forbidden)
	case strings.ContainsFunc(name, invisible):
		return errors.New("a name with invisible characters")
	case strings.HasSuffix(name, ".") || strings.HasSuffix(name, " "):
		return errors.New("a name that ends in a dot or a space, which Windows drops")
	case device.MatchString(name):
		return errors.New("the name of a device on Windows")
	}
	return nil
}

// invisible characters can make two names look the same, and some disks leave them out when they compare.
func invisible(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// fold maps all paths to one that some disk may take for the same. It errs on the side of too many.
func fold(p string) string {
	if strings.ContainsFunc(p, func(r rune) bool { return r >= utf8.RuneSelf }) {
		p = norm.NFD.String(cases.Fold().String(norm.NFD.String(p)))
	}
	return strings.ToUpper(p)
}
