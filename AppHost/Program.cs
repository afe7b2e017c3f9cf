using NatsAspire.AppHost;
using NatsAspire.Hosting;

try
{
#if ASPIRE
    if (AspireFrontEnd.IsAskedByTool(args)) return await AspireFrontEnd.RunForToolAsync(args);
    return await AppHostOptions.RunAsync(args, options => options.Local ? LocalFrontEnd.RunAsync(options) : AspireFrontEnd.RunAsync(options), Publisher.RunAsync);
#else
    return await AppHostOptions.RunAsync(args, LocalFrontEnd.RunAsync, Publisher.RunAsync);
#endif
}
catch (TopologyException error)
{
    await Console.Error.WriteLineAsync(error.Message);
    return 1;
}
