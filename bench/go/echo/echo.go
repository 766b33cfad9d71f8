// Package echo is what host and plugin share: the handshake, and the echo service as gRPC.
//
// The service is bench.v1.EchoService of ../proto; StringValue has the same bytes as its messages, so that nothing has
// to be generated for Go.
package echo

import (
	"context"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const method = "/bench.v1.EchoService/Echo"

var Handshake = plugin.HandshakeConfig{
	ProtocolVersion:  1,
	MagicCookieKey:   "CONNECT_PLUGIN_BENCH",
	MagicCookieValue: "echo",
}

type server interface {
	Echo(context.Context, *wrapperspb.StringValue) (*wrapperspb.StringValue, error)
}

type echoServer struct{}

func (echoServer) Echo(_ context.Context, in *wrapperspb.StringValue) (*wrapperspb.StringValue, error) {
	return &wrapperspb.StringValue{Value: in.Value}, nil
}

func handleEcho(srv any, ctx context.Context, decode func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) {
	in := new(wrapperspb.StringValue)
	if err := decode(in); err != nil {
		return nil, err
	}
	if interceptor == nil {
		return srv.(server).Echo(ctx, in)
	}
	info := &grpc.UnaryServerInfo{Server: srv, FullMethod: method}
	return interceptor(ctx, in, info, func(ctx context.Context, in any) (any, error) {
		return srv.(server).Echo(ctx, in.(*wrapperspb.StringValue))
	})
}

var service = grpc.ServiceDesc{
	ServiceName: "bench.v1.EchoService",
	HandlerType: (*server)(nil),
	Methods:     []grpc.MethodDesc{{MethodName: "Echo", Handler: handleEcho}},
	Metadata:    "bench/v1/echo.proto",
}

// Client calls the echo service.
type Client struct{ conn *grpc.ClientConn }

func (c *Client) Echo(ctx context.Context, text string) (string, error) {
	out := new(wrapperspb.StringValue)
	if err := c.conn.Invoke(ctx, method, &wrapperspb.StringValue{Value: text}, out); err != nil {
		return "", err
	}
	return out.Value, nil
}

// Plugin is the echo service as go-plugin wants it.
type Plugin struct{ plugin.NetRPCUnsupportedPlugin }

func (Plugin) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	s.RegisterService(&service, echoServer{})
	return nil
}

func (Plugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return &Client{conn}, nil
}
