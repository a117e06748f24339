package instance_test

import "os"

// passes says whether this system passes locks on.
const passes = false

func duplicate(f *os.File) (*os.File, error) { return f, nil }
