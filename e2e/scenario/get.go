//go:build linux

package scenario

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
)

func get(url string) ([]byte, error) {
	response, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, response.Status)
	}
	return io.ReadAll(response.Body)
}

func itoa(n int) string { return strconv.Itoa(n) }
