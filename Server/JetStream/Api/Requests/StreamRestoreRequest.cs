using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.JetStream.Streams.Configuration;

namespace NatsAspire.Server.JetStream.Api.Requests;

/// <summary><c>STREAM.RESTORE</c>: what a snapshot was taken of.</summary>
public sealed record StreamRestoreRequest : IApiRequest<StreamRestoreRequest>
{
    public StreamConfiguration Stream { get; init; } = new();

    /// <summary>What the snapshot says it holds; what it holds is seen when it is there.</summary>
    public StreamState State { get; init; } = new();

    static StreamRestoreRequest IApiRequest<StreamRestoreRequest>.Read(ref ApiReader reader, StreamRestoreRequest request)
    {
        if (!reader.Enter("JSApiStreamRestoreRequest")) return request;
        while (reader.Next(out var field))
        {
            switch (field)
            {
                case "config": request = request with { Stream = StreamConfiguration.Read(ref reader, request.Stream) }; break;
                case "state": request = request with { State = StreamState.Read(ref reader, request.State) }; break;
                default: reader.Unknown(); break;
            }
        }
        return request;
    }
}
