// The plugin's process.
package main

import (
	"connect-plugin.bench/go-plugin/echo"
	"github.com/hashicorp/go-plugin"
)

func main() {
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: echo.Handshake,
		Plugins:         plugin.PluginSet{"echo": echo.Plugin{}},
		GRPCServer:      plugin.DefaultGRPCServer,
	})
}
