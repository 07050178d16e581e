package sidecar

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func from(variables map[string]string) func(string) string {
	return func(name string) string { return variables[name] }
}

func TestEndpoints(t *testing.T) {
	for address, target := range map[string]string{
		"":                     "passthrough:///127.0.0.1:7401",
		"localhost:1":          "passthrough:///localhost:1",
		"[::1]:65535":          "passthrough:///[::1]:65535",
		"unix:/run/sidecar":    "unix:/run/sidecar",
		"unix:///run/sidecar":  "unix:///run/sidecar",
		"sidecar.example:7401": "passthrough:///sidecar.example:7401",
	} {
		e := endpoint{}
		if err := e.fill(from(map[string]string{"SIDECAR_ENDPOINT": address})); err != nil || e.target() != target {
			t.Errorf("%q: %s, %v", address, e.target(), err)
		}
	}
	for _, address := range []string{
		"localhost", ":7401", "localhost:", "localhost:0", "localhost:65536", "localhost:http", "http://localhost:7401", "unix:relative",
		"unix:", "::1:7401", "localhost:-1", "localhost:+1",
	} {
		if _, err := New(WithEndpoint(address)); err == nil || !strings.Contains(err.Error(), address) {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestWhatIsGivenCounts(t *testing.T) {
	e := endpoint{address: "a:1", token: "given"}
	err := e.fill(from(map[string]string{"SIDECAR_ENDPOINT": "b:2", "SIDECAR_TOKEN": "other"}))
	if err != nil || e.address != "a:1" || e.token != "given" {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestTokens(t *testing.T) {
	for _, token := range []string{" a", "a ", "a\n", "ü", "\x00"} {
		if err := (&endpoint{}).fill(from(map[string]string{"SIDECAR_TOKEN": token})); err == nil {
			t.Errorf("%q was taken", token)
		}
	}
}

func TestTLSThatIsMalformed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file.pem")
	if err := os.WriteFile(file, []byte("no PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, variables := range map[string]map[string]string{
		"SIDECAR_TLS_CA":         {"SIDECAR_TLS_CA": "/does/not/exist"},
		"holds no certificate":   {"SIDECAR_TLS_CA": file},
		"set both or neither":    {"SIDECAR_TLS_CA": file, "SIDECAR_TLS_CERT": file},
		"SIDECAR_TLS_CERT needs": {"SIDECAR_TLS_CERT": file, "SIDECAR_TLS_KEY": file},
	} {
		if err := (&endpoint{}).fill(from(variables)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v: %v", variables, err)
		}
	}
}
